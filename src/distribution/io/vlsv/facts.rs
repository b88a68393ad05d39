//! Facts that a file states about a cell besides its distribution: position, magnetic field, moments, threshold.

use super::array::Array;
use super::footer::Footer;
use super::mesh::SpatialMesh;
use super::population::Population;
use super::source::Source;
use crate::error::Result;

/// Facts that a file states about a cell and a population. Each is `None` where the file does not state it.
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CellFacts {
    /// Density below which blocks are not stored [s³ m⁻⁶].
    pub sparsity_threshold: Option<f64>,
    /// Time of the simulation \[s\].
    pub time: Option<f64>,
    /// Centre of the cell \[m\].
    pub position: Option<[f64; 3]>,
    /// Magnetic field in the cell.
    pub magnetic_field: Option<MagneticField>,
    /// Number density [m⁻³] that the simulation stored.
    pub density: Option<f64>,
    /// Bulk velocity [m s⁻¹] that the simulation stored.
    pub bulk_velocity: Option<[f64; 3]>,
    /// Pressures P_xx, P_yy, P_zz \[Pa\] that the simulation stored.
    pub pressure_diagonal: Option<[f64; 3]>,
    /// Pressures P_yz, P_xz, P_xy \[Pa\] that the simulation stored.
    pub pressure_off_diagonal: Option<[f64; 3]>,
}

/// A magnetic field and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct MagneticField {
    /// B \[T\].
    pub value: [f64; 3],
    /// Name of the variable, or of the two variables of which it is the sum. `fg_b` holds components on the lower faces
    /// of the field solver's cells: their mean over the spatial cell is given.
    pub variable: &'static str,
}

/// Largest array of cell numbers of the field solver's grid that is searched, 4 million cells. Large runs store `vg_b_vol`.
const MAX_FIELD_CELLS: u64 = 1 << 22;
/// Largest configuration file that is searched for a threshold.
const MAX_CONFIG: u64 = 1 << 20;

/// Cells of the spatial variables: each cell with its row, in the order of the cells' numbers.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    rows: Vec<(u64, u64)>,
}

impl Rows {
    pub(super) fn read(source: &Source, footer: &Footer) -> Result<Self> {
        let Some(element) = footer.named("VARIABLE", "CellID") else { return Ok(Self { rows: Vec::new() }) };
        let cells = source.all_integers(&element.array(source)?, &element.label())?;
        let mut rows: Vec<(u64, u64)> = cells.into_iter().zip(0..).collect();
        rows.sort_unstable();
        Ok(Self { rows })
    }

    fn row(&self, cell: u64) -> Option<u64> {
        let place = self.rows.binary_search_by_key(&cell, |&(cell, _)| cell).ok()?;
        self.rows.get(place).map(|&(_, row)| row)
    }
}

/// The parts of a file from which the facts about one cell are read.
pub(super) struct Facts<'a> {
    pub(super) source: &'a Source,
    pub(super) footer: &'a Footer,
    pub(super) population: &'a Population,
    pub(super) rows: &'a Rows,
    pub(super) mesh: Option<&'a SpatialMesh>,
    pub(super) cell: u64,
}

impl Facts<'_> {
    pub(super) fn read(&self) -> Result<CellFacts> {
        let name = &self.population.name;
        let of = |variable: &str| format!("{name}/{variable}");
        let density = self.scalar(&[&of("vg_rho"), &of("rho"), "rho", "vg_rho"])?;
        let velocity = self.vector(&[&of("vg_v"), &of("V"), "V"])?;
        let flux = self.vector(&[&of("rho_v"), "rho_v"])?;
        let from_flux = || Some(flux?.map(|flux| flux / density.unwrap_or(f64::NAN)));
        Ok(CellFacts {
            sparsity_threshold: self.threshold()?,
            time: self.footer.parameter(self.source, &["time", "t"])?,
            position: self.mesh.and_then(|mesh| mesh.centre(self.cell)),
            magnetic_field: self.magnetic_field()?,
            density,
            bulk_velocity: velocity.or_else(from_flux).filter(|u| u.iter().all(|u| u.is_finite())),
            pressure_diagonal: self.vector(&[&of("vg_ptensor_diagonal"), &of("PTensorDiagonal"), "PTensorDiagonal"])?,
            pressure_off_diagonal: self.vector(&[
                &of("vg_ptensor_offdiagonal"),
                &of("PTensorOffDiagonal"),
                "PTensorOffDiagonal",
            ])?,
        })
    }

    /// The sparsity threshold: of the cell, else of the configuration file in the VLSV file.
    pub(super) fn threshold(&self) -> Result<Option<f64>> {
        let name = &self.population.name;
        let variables = [format!("{name}/vg_effectivesparsitythreshold"), format!("{name}/EffectiveSparsityThreshold")];
        let found = self.scalar(&[&variables[0], &variables[1], "EffectiveSparsityThreshold"])?;
        if found.is_some() {
            return Ok(found);
        }
        self.population.threshold(|| {
            let Some(element) = self.footer.named("CONFIG", "config_file") else { return Ok(None) };
            let array = element.array(self.source)?;
            if array.rows > MAX_CONFIG || array.row_bytes() != Some(1) {
                return Ok(None);
            }
            let bytes = self.source.rows(&array, 0, array.rows, "CONFIG")?;
            Ok(configured_threshold(&String::from_utf8_lossy(&bytes), name))
        })
    }

    /// The row of this cell in the first of these spatial variables that the file has.
    fn values(&self, names: &[&str]) -> Result<Option<Vec<f64>>> {
        let Some(row) = self.rows.row(self.cell) else { return Ok(None) };
        for name in names {
            if let Some(element) = self.footer.named("VARIABLE", name) {
                let array: Array = element.array(self.source)?;
                if array.rows == self.rows.rows.len() as u64 && array.columns <= 9 {
                    return self.source.floats(&array, row, 1, &element.label()).map(Some);
                }
            }
        }
        Ok(None)
    }

    fn scalar(&self, names: &[&str]) -> Result<Option<f64>> {
        Ok(self.values(names)?.and_then(|values| values.first().copied()))
    }

    fn vector(&self, names: &[&str]) -> Result<Option<[f64; 3]>> {
        Ok(self.values(names)?.and_then(|values| values.try_into().ok()))
    }

    fn magnetic_field(&self) -> Result<Option<MagneticField>> {
        for variable in ["vg_b_vol", "B_vol", "B"] {
            if let Some(value) = self.vector(&[variable])? {
                return Ok(Some(MagneticField { value, variable }));
            }
        }
        let sums = [
            ("vg_b_background_vol", "vg_b_perturbed_vol", "vg_b_background_vol + vg_b_perturbed_vol"),
            ("BGB_vol", "PERB_vol", "BGB_vol + PERB_vol"),
        ];
        for (background, perturbed, variable) in sums {
            if let (Some(one), Some(other)) = (self.vector(&[background])?, self.vector(&[perturbed])?) {
                return Ok(Some(MagneticField {
                    value: std::array::from_fn(|axis| one[axis] + other[axis]),
                    variable,
                }));
            }
        }
        Ok(self.field_on_faces()?.map(|value| MagneticField { value, variable: "fg_b" }))
    }

    /// The mean of `fg_b` over the cells of the field solver's grid that lie in this cell.
    fn field_on_faces(&self) -> Result<Option<[f64; 3]>> {
        let (Some(mesh), Some(variable)) = (self.mesh, self.footer.named("VARIABLE", "fg_b")) else { return Ok(None) };
        let grid = variable.mesh.as_deref().unwrap_or("fsgrid");
        let (Some(bounds), Some(cells)) = (self.footer.of_mesh("MESH_BBOX", grid), self.footer.named("MESH", grid))
        else {
            return Ok(None);
        };
        let (array, numbers) = (variable.array(self.source)?, cells.array(self.source)?);
        let fits = array.columns == 3 && array.rows == numbers.rows && numbers.rows <= MAX_FIELD_CELLS;
        let shape = self.source.integers(&bounds.array(self.source)?, 0, 3, &bounds.label())?;
        let (Some((level, place)), Some(&shape), true) = (mesh.place(self.cell), shape.first_chunk::<3>(), fits) else {
            return Ok(None);
        };
        let Some(own) = mesh.cells_of_level(level) else { return Ok(None) };
        // Cells of the field solver along each edge of this one.
        let ratio = shape[0] / own[0].max(1);
        let agree = (0..3).all(|axis| ratio.checked_mul(own[axis]) == Some(shape[axis]));
        if ratio == 0 || !agree || ratio > 64 {
            return Ok(None);
        }
        let inside = |number: u64| {
            let cell = [number % shape[0], number / shape[0] % shape[1], number / shape[0] / shape[1]];
            (0..3).all(|axis| cell[axis] / ratio == place[axis])
        };
        let numbers = self.source.all_integers(&numbers, &cells.label())?;
        let most = usize::try_from(ratio.pow(3)).unwrap_or(usize::MAX);
        let rows = (0..).zip(numbers).filter(|&(_, number)| inside(number)).take(most);
        let (mut sum, mut count) = ([0.0; 3], 0.0);
        for (row, _) in rows {
            let b = self.source.floats(&array, row, 1, "VARIABLE of fg_b")?;
            (0..3).for_each(|axis| sum[axis] += b.get(axis).copied().unwrap_or(f64::NAN));
            count += 1.0;
        }
        Ok((count > 0.0).then(|| sum.map(|sum| sum / count)))
    }
}

/// The value of `minValue` in the section `[NAME_sparse]`, or `[sparse]`, of a configuration file.
fn configured_threshold(config: &str, name: &str) -> Option<f64> {
    let sections = [format!("[{name}_sparse]"), "[sparse]".to_owned()];
    let (mut inside, mut found) = (None, [None; 2]);
    for line in config.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.starts_with('[') {
            inside = sections.iter().position(|section| section == line);
        } else if let (Some(section), Some((key, value))) = (inside, line.split_once('='))
            && key.trim() == "minValue"
        {
            found[section] = found[section].or(value.trim().parse().ok());
        }
    }
    found[0].or(found[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_found_in_their_section() {
        let config = "minValue = 1\n[helium_sparse]\nminValue = 2 # not ours\n[sparse]\nminValue=3e-15\n\
                      [proton_sparse]\nblockValue = 4\n minValue =\t5e-16\n[loss]\nminValue = 6";
        assert_eq!(configured_threshold(config, "proton"), Some(5e-16));
        assert_eq!(configured_threshold(config, "electron"), Some(3e-15));
        assert_eq!(configured_threshold("[sparse]\nminValue = many", "proton"), None);
        assert_eq!(configured_threshold("", "proton"), None);
    }
}
