//! PNG files: eight bits for red, green and blue each.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// End of the PNG header: 8 bits a channel, colours without transparency, the standard compression and filters, and
/// rows in order, without interlacing.
const FORMAT: [u8; 5] = [8, 2, 0, 0, 0];
/// The filter of every row, its difference from the row above: areas of one colour become zeros.
const UP: u8 = 2;

/// The file of an image whose pixels are given row by row.
pub fn encoded(width: u32, height: u32, pixels: &[u8]) -> io::Result<Vec<u8>> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &FORMAT].concat();
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::fast());
    let row_length = 3 * width as usize;
    let mut above = &vec![0; row_length][..];
    for row in pixels.chunks_exact(row_length) {
        let differences: Vec<u8> = row.iter().zip(above).map(|(value, above)| value.wrapping_sub(*above)).collect();
        rows.write_all(&[UP])?;
        rows.write_all(&differences)?;
        above = row;
    }
    Ok([SIGNATURE, &chunk(b"IHDR", &header), &chunk(b"IDAT", &rows.finish()?), &chunk(b"IEND", &[])].concat())
}

/// A part of the file: its length, its kind, its data, and the checksum of the last two.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let checked = [kind, data].concat();
    [&(data.len() as u32).to_be_bytes()[..], &checked, &crc32fast::hash(&checked).to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn pixels_come_back() {
        let pixels: Vec<u8> = (0..3 * 4 * 5_u32).map(|k| (k * k * 7) as u8).collect();
        let file = encoded(4, 5, &pixels).unwrap();
        assert!(file.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x04\0\0\0\x05\x08\x02\0\0\0"));
        // The checksum of the empty last chunk is the same in every PNG file.
        assert!(file.ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82"));
        let data = 8 + 25 + 8;
        let mut rows = Vec::new();
        flate2::read::ZlibDecoder::new(&file[data..]).read_to_end(&mut rows).unwrap();
        let mut above = vec![0_u8; 12];
        for (filtered, row) in rows.chunks(13).zip(pixels.chunks(12)) {
            assert_eq!(filtered[0], UP);
            above.iter_mut().zip(&filtered[1..]).for_each(|(above, by)| *above = above.wrapping_add(*by));
            assert_eq!(above, row);
        }
        assert_eq!(rows.len(), 5 * 13);
    }
}
