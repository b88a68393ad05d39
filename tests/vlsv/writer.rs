//! A writer of small VLSV files, to test the reader on: also of files that lie.

/// A VLSV file in the making.
pub struct VlsvWriter {
    big_endian: bool,
    bytes: Vec<u8>,
    /// Elements of the footer so far.
    pub footer: String,
}

impl VlsvWriter {
    pub fn new(big_endian: bool) -> Self {
        let mut bytes = vec![0; 16];
        bytes[0] = u8::from(big_endian);
        Self { big_endian, bytes, footer: String::from("<VLSV>\n") }
    }

    fn word(&self, word: u64, size: usize) -> Vec<u8> {
        match self.big_endian {
            true => word.to_be_bytes()[8 - size..].to_vec(),
            false => word.to_le_bytes()[..size].to_vec(),
        }
    }

    /// An array with attributes such as `name="proton"`.
    pub fn array(&mut self, tag: &str, attributes: &str, kind: &str, size: usize, columns: usize, words: &[u64]) {
        let (offset, rows) = (self.bytes.len(), words.len() / columns);
        self.footer += &format!(
            "   <{tag} arraysize=\"{rows}\" datasize=\"{size}\" datatype=\"{kind}\" {attributes} \
             vectorsize=\"{columns}\">{offset}</{tag}>\n"
        );
        for &word in words {
            let word = self.word(word, size);
            self.bytes.extend(word);
        }
    }

    pub fn integers(&mut self, tag: &str, attributes: &str, size: usize, values: &[u64]) {
        self.array(tag, attributes, "uint", size, 1, values);
    }

    pub fn floats(&mut self, tag: &str, attributes: &str, size: usize, columns: usize, values: &[f64]) {
        let word = |&value: &f64| if size == 4 { u64::from((value as f32).to_bits()) } else { value.to_bits() };
        self.array(tag, attributes, "float", size, columns, &values.iter().map(word).collect::<Vec<_>>());
    }

    pub fn finish(mut self) -> Vec<u8> {
        let offset = self.word(self.bytes.len() as u64, 8);
        self.bytes[8..16].copy_from_slice(&offset);
        self.footer += "</VLSV>\n";
        [self.bytes, self.footer.into_bytes()].concat()
    }
}

/// How a population is called in the footer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// By its name, with a velocity mesh of the same name.
    Named(&'static str),
    /// `avgs`, with a velocity mesh in parameters.
    Avgs,
    /// By no name at all.
    Nameless,
}

/// A small simulation of 3 x 2 x 1 spatial cells.
#[derive(Debug, Clone)]
pub struct Run {
    pub big_endian: bool,
    /// Bytes of a density.
    pub size: usize,
    pub width: usize,
    /// Blocks of the velocity mesh along each axis.
    pub blocks: [usize; 3],
    pub naming: Naming,
    /// Cells with their stored blocks, in the file's order.
    pub cells: Vec<(u64, Vec<u64>)>,
}

/// Lower edge and width of the velocity cells.
pub const LOWER: [f64; 3] = [-1.5e5, -2e5, 1e4];
pub const SPACING: [f64; 3] = [1e4, 2e4, 5e3];

impl Run {
    /// Two cells, not sorted, and one without blocks between them.
    pub fn new(big_endian: bool, size: usize, width: usize, naming: Naming) -> Self {
        let cells = vec![(5, vec![7, 0, 10]), (6, vec![]), (2, vec![21, 22, 1, 6])];
        Self { big_endian, size, width, blocks: [3, 4, 2], naming, cells }
    }

    /// Density of a cell of the velocity mesh, if it is stored: a number of single precision.
    pub fn density(spatial: u64, [x, y, z]: [usize; 3]) -> f64 {
        let place = (x * 131 + y * 17 + z * 29 + spatial as usize * 7) % 1009;
        f64::from((1e-15 * (1.0 + place as f64)) as f32)
    }

    /// Corner of a block, in cells.
    pub fn corner(&self, id: u64) -> [usize; 3] {
        let ([nbx, nby, _], id) = (self.blocks, id as usize);
        [id % nbx, id / nbx % nby, id / nbx / nby].map(|block| block * self.width)
    }

    /// Densities of a spatial cell on the whole velocity mesh, in C order.
    pub fn dense(&self, spatial: u64) -> Vec<f64> {
        let [nx, ny, nz] = self.blocks.map(|blocks| blocks * self.width);
        let mut dense = vec![0.0; nx * ny * nz];
        let stored = &self.cells.iter().find(|(cell, _)| *cell == spatial).unwrap().1;
        for corner in stored.iter().map(|&id| self.corner(id)) {
            for place in 0..self.width.pow(3) {
                let w = self.width;
                let [x, y, z] = [corner[0] + place % w, corner[1] + place / w % w, corner[2] + place / (w * w)];
                dense[(x * ny + y) * nz + z] = Self::density(spatial, [x, y, z]);
            }
        }
        dense
    }

    fn block(&self, spatial: u64, id: u64) -> impl Iterator<Item = f64> + '_ {
        let (corner, w) = (self.corner(id), self.width);
        (0..w.pow(3)).map(move |place| {
            let [i, j, k] = [place % w, place / w % w, place / (w * w)];
            Self::density(spatial, [corner[0] + i, corner[1] + j, corner[2] + k])
        })
    }

    fn name(&self) -> String {
        match self.naming {
            Naming::Named(name) => format!("mesh=\"SpatialGrid\" name=\"{name}\""),
            Naming::Avgs => "mesh=\"SpatialGrid\" name=\"avgs\"".to_owned(),
            Naming::Nameless => "mesh=\"SpatialGrid\"".to_owned(),
        }
    }

    /// Everything but the distributions.
    pub fn facts(&self) -> VlsvWriter {
        let mut writer = VlsvWriter::new(self.big_endian);
        writer.floats("PARAMETER", "name=\"time\"", 8, 1, &[12.5]);
        writer.integers("MESH_BBOX", "mesh=\"SpatialGrid\"", 8, &[3, 2, 1, 1, 1, 1]);
        for (axis, edges) in [("X", &[0.0, 1e6, 2e6, 3e6][..]), ("Y", &[-1e6, 0.0, 1e6]), ("Z", &[0.0, 1e6])] {
            writer.floats(&format!("MESH_NODE_CRDS_{axis}"), "mesh=\"SpatialGrid\"", 8, 1, edges);
        }
        match self.naming {
            Naming::Named(name) => {
                let (mesh, w) = (format!("max_velocity_ref_level=\"0\" mesh=\"{name}\""), self.width as u64);
                let [bx, by, bz] = self.blocks.map(|blocks| blocks as u64);
                writer.integers("MESH_BBOX", &mesh, 8, &[bx, by, bz, w, w, w]);
                for (axis, letter) in ["X", "Y", "Z"].into_iter().enumerate() {
                    let edge = |k: usize| LOWER[axis] + k as f64 * SPACING[axis];
                    let edges: Vec<f64> = (0..=self.blocks[axis] * self.width).map(edge).collect();
                    writer.floats(&format!("MESH_NODE_CRDS_{letter}"), &mesh, 8, 1, &edges);
                }
                writer.integers("VARIABLE", "mesh=\"SpatialGrid\" name=\"CellID\"", 8, &[4, 2, 6, 5, 1, 3]);
                let rho: Vec<f64> = [4, 2, 6, 5, 1, 3].map(|cell| f64::from(cell) * 1e6).to_vec();
                writer.floats("VARIABLE", &format!("mesh=\"SpatialGrid\" name=\"{name}/vg_rho\""), 8, 1, &rho);
                let field: Vec<f64> = (0..18).map(|k| f64::from(k) * 1e-9).collect();
                writer.floats("VARIABLE", "mesh=\"SpatialGrid\" name=\"vg_b_vol\"", 8, 3, &field);
                let config: Vec<u64> = format!("[{name}_sparse]\nminValue = 1e-15\n").bytes().map(u64::from).collect();
                writer.integers("CONFIG", "name=\"config_file\"", 1, &config);
            }
            _ => {
                for (axis, letter) in ["x", "y", "z"].into_iter().enumerate() {
                    let cells = (self.blocks[axis] * self.width) as f64;
                    writer.integers(
                        "PARAMETER",
                        &format!("name=\"v{letter}blocks_ini\""),
                        4,
                        &[self.blocks[axis] as u64],
                    );
                    writer.floats("PARAMETER", &format!("name=\"v{letter}min\""), 8, 1, &[LOWER[axis]]);
                    let upper = LOWER[axis] + cells * SPACING[axis];
                    writer.floats("PARAMETER", &format!("name=\"v{letter}max\""), 8, 1, &[upper]);
                }
            }
        }
        writer
    }

    /// The file.
    pub fn file(&self) -> Vec<u8> {
        let (mut writer, name) = (self.facts(), self.name());
        let cells: Vec<u64> = self.cells.iter().map(|(cell, _)| *cell).collect();
        writer.integers("CELLSWITHBLOCKS", &name, 8, &cells);
        let counts: Vec<u64> = self.cells.iter().map(|(_, ids)| ids.len() as u64).collect();
        writer.integers("BLOCKSPERCELL", &name, 4, &counts);
        let ids: Vec<u64> = self.cells.iter().flat_map(|(_, ids)| ids).copied().collect();
        writer.integers("BLOCKIDS", &name, 4, &ids);
        let blocks = self.cells.iter().flat_map(|(cell, ids)| ids.iter().map(|&id| (*cell, id)));
        let values: Vec<f64> = blocks.flat_map(|(cell, id)| self.block(cell, id)).collect();
        writer.floats("BLOCKVARIABLE", &name, self.size, self.width.pow(3), &values);
        writer.finish()
    }

    /// A file of one cell whose distribution is a stream of a codec.
    pub fn compressed(&self, codec: &str, stream: &[u8]) -> Vec<u8> {
        let (mut writer, name) = (self.facts(), self.name());
        writer.integers("CELLSWITHBLOCKS", &name, 8, &[3]);
        writer.integers("BYTESPERCELL", &name, 8, &[stream.len() as u64]);
        let bytes: Vec<u64> = stream.iter().map(|&byte| u64::from(byte)).collect();
        writer.integers("BLOCKVARIABLE", &format!("compression=\"{codec}\" {name}"), 1, &bytes);
        writer.finish()
    }
}

/// A stream of Vlasiator's Hermite codec with one coefficient, on 8 x 6 x 4 nodes from cell [2, 3, 1] on.
pub fn hermite_stream(coefficient: f32) -> Vec<u8> {
    let mut stream = 2_i32.to_le_bytes().to_vec();
    for number in [8e4_f32, -1e5, -1e5, 2e4] {
        stream.extend(number.to_le_bytes());
    }
    stream.extend(8_u64.to_le_bytes());
    (0..8).for_each(|k| stream.extend((if k == 0 { coefficient } else { 0.0 }).to_le_bytes()));
    let node = |axis: usize, cell: f64| (LOWER[axis] + (cell + 0.5) * SPACING[axis]).to_le_bytes();
    for (axis, cell) in [2.0, 3.0, 1.0].into_iter().enumerate() {
        stream.extend(node(axis, cell));
    }
    for (axis, cell) in [9.0, 8.0, 4.0].into_iter().enumerate() {
        stream.extend(node(axis, cell));
    }
    [8_u64, 6, 4].into_iter().for_each(|count| stream.extend(count.to_le_bytes()));
    stream
}
