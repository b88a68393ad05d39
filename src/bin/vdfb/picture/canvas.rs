//! A sheet to draw on: lines, rasters and text with indices, smoothed by drawing larger than life.

use std::error::Error;
use std::path::Path;

use epaint_default_fonts::UBUNTU_LIGHT;
use plotters::backend::BitMapBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{PathElement, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, FontTransform, IntoFont, RGBColor, ShapeStyle, TextStyle, register_font};

use super::png;

/// The result of drawing: a font that does not load or a file that cannot be written are the only ways to fail.
pub type Drawn<T = ()> = Result<T, Box<dyn Error>>;

/// A position on the sheet [px]: x to the right, y down.
pub type Point = (f64, f64);

/// Pixels drawn along each axis for one pixel saved.
const OVERSAMPLING: u32 = 3;
const FONT: &str = "figures";
/// As fractions of the font's size: the height of a digit, the size of raised and lowered text, and how far it moves.
const DIGIT_HEIGHT: f64 = 0.62;
const INDEX_SIZE: f64 = 0.72;
const RAISED_BY: f64 = 0.30;
const LOWERED_BY: f64 = 0.14;

/// Place of a piece of text.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Level {
    Line,
    Raised,
    Lowered,
}

impl Level {
    /// Size, as a fraction of the font's.
    fn size(self) -> f64 {
        if self == Self::Line { 1.0 } else { INDEX_SIZE }
    }

    /// Movement down the page, as a fraction of the font's size.
    fn shift(self) -> f64 {
        match self {
            Self::Line => 0.0,
            Self::Raised => -RAISED_BY,
            Self::Lowered => LOWERED_BY,
        }
    }
}

/// Side of its position on which a text lies, along the line of reading.
#[derive(Clone, Copy, PartialEq)]
pub enum Align {
    Left,
    Middle,
    Right,
}

/// Look of a text.
#[derive(Clone, Copy)]
pub struct Pen {
    pub size: f64,
    pub colour: RGBColor,
    pub align: Align,
    /// Read from the bottom up.
    pub upright: bool,
}

impl Pen {
    pub fn new(size: f64, colour: RGBColor, align: Align) -> Self {
        Self { size, colour, align, upright: false }
    }

    pub fn upright(self) -> Self {
        Self { upright: true, ..self }
    }
}

/// A rectangle on the sheet [px].
#[derive(Debug, Clone, Copy)]
pub struct Area {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Area {
    pub fn right(&self) -> f64 {
        self.left + self.width
    }

    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }

    pub fn centre(&self) -> Point {
        (self.left + 0.5 * self.width, self.top + 0.5 * self.height)
    }
}

/// A sheet.
pub struct Canvas {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl Canvas {
    /// A white sheet [px].
    pub fn new(width: f64, height: f64) -> Drawn<Self> {
        register_font(FONT, FontStyle::Normal, UBUNTU_LIGHT).map_err(|_| "the font does not load")?;
        let (width, height) = (width.ceil() as u32, height.ceil() as u32);
        let pixels = vec![255; 3 * (width * height * OVERSAMPLING * OVERSAMPLING) as usize];
        Ok(Self { width, height, pixels })
    }

    fn area(&mut self) -> DrawingArea<BitMapBackend<'_>, Shift> {
        let size = (self.width * OVERSAMPLING, self.height * OVERSAMPLING);
        BitMapBackend::with_buffer(&mut self.pixels, size).into_drawing_area()
    }

    /// A line through all points, `width` pixels wide.
    pub fn line(&mut self, points: &[Point], width: f64, colour: RGBColor) -> Drawn {
        let style = ShapeStyle::from(&colour).stroke_width((width * f64::from(OVERSAMPLING)).round() as u32);
        self.area().draw(&PathElement::new(fine(points), style))?;
        Ok(())
    }

    /// The outline of an area, one pixel wide, just outside of it.
    pub fn frame(&mut self, area: &Area, colour: RGBColor) -> Drawn {
        let (left, top, right, bottom) = (area.left - 0.5, area.top - 0.5, area.right() + 0.5, area.bottom() + 0.5);
        self.line(&[(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], 1.0, colour)
    }

    /// Fills an area with a colour for each pair of fractions 0..1 of its width (from the left) and height (from the
    /// bottom).
    pub fn raster(&mut self, area: &Area, mut colour: impl FnMut(f64, f64) -> RGBColor) {
        let scale = f64::from(OVERSAMPLING);
        let pixel = |position: f64| (position * scale).round().max(0.0) as usize;
        let row_length = (self.width * OVERSAMPLING) as usize;
        let (left, right) = (pixel(area.left), pixel(area.right()).min(row_length));
        let (top, bottom) = (pixel(area.top), pixel(area.bottom()).min((self.height * OVERSAMPLING) as usize));
        for y in top..bottom {
            let v = 1.0 - (y - top) as f64 / (bottom - top) as f64 - 0.5 / (bottom - top) as f64;
            for x in left..right {
                let RGBColor(r, g, b) = colour(((x - left) as f64 + 0.5) / (right - left) as f64, v);
                let at = 3 * (y * row_length + x);
                self.pixels[at..at + 3].copy_from_slice(&[r, g, b]);
            }
        }
    }

    /// Text whose digits are centred on `at` across the line of reading; `^{…}` raises, `_{…}` lowers.
    pub fn text(&mut self, at: Point, text: &str, pen: Pen) -> Drawn {
        let scale = f64::from(OVERSAMPLING);
        let length = text_width(text, pen.size)?;
        let mut along = match pen.align {
            Align::Left => 0.0,
            Align::Middle => -0.5 * length,
            Align::Right => -length,
        };
        let area = self.area();
        for (piece, level) in pieces(text) {
            let size = pen.size * level.size();
            // plotters draws the base line half a font size below the position given.
            let across = (0.5 * DIGIT_HEIGHT + level.shift()) * pen.size - 0.5 * size;
            let (x, y) = if pen.upright { (at.0 + across, at.1 - along) } else { (at.0 + along, at.1 + across) };
            let turn = if pen.upright { FontTransform::Rotate270 } else { FontTransform::None };
            let style = style(size * scale, pen.colour).transform(turn);
            area.draw(&Text::new(piece, ((x * scale).round() as i32, (y * scale).round() as i32), style))?;
            along += piece_width(piece, size)?;
        }
        Ok(())
    }

    /// Writes the sheet as a PNG file.
    #[allow(dead_code, reason = "only the examples call it")]
    pub fn save(&self, path: &Path) -> Drawn {
        std::fs::write(path, self.encoded()?).map_err(|problem| format!("{}: {problem}", path.display()))?;
        Ok(())
    }

    /// The bytes of a PNG file.
    pub fn encoded(&self) -> std::io::Result<Vec<u8>> {
        png::encoded(self.width, self.height, &self.shrunk())
    }

    /// Every pixel the mean of those drawn for it.
    fn shrunk(&self) -> Vec<u8> {
        let (width, factor) = (self.width as usize, OVERSAMPLING as usize);
        let drawn = |x: usize, y: usize, channel: usize| u32::from(self.pixels[3 * (y * width * factor + x) + channel]);
        let mut shrunk = Vec::with_capacity(3 * width * self.height as usize);
        for y in 0..self.height as usize {
            for x in 0..width {
                for channel in 0..3 {
                    let block =
                        (0..factor * factor).map(|k| drawn(x * factor + k % factor, y * factor + k / factor, channel));
                    let count = OVERSAMPLING * OVERSAMPLING;
                    shrunk.push(((block.sum::<u32>() + count / 2) / count) as u8);
                }
            }
        }
        shrunk
    }
}

fn fine(points: &[Point]) -> Vec<(i32, i32)> {
    let scale = f64::from(OVERSAMPLING);
    points.iter().map(|&(x, y)| ((x * scale).round() as i32, (y * scale).round() as i32)).collect()
}

fn style(size: f64, colour: RGBColor) -> TextStyle<'static> {
    (FONT, size).into_font().color(&colour).pos(Pos::new(HPos::Left, VPos::Top))
}

/// Length of a text [px].
pub fn text_width(text: &str, size: f64) -> Drawn<f64> {
    pieces(text).into_iter().map(|(piece, level)| piece_width(piece, size * level.size())).sum()
}

fn piece_width(piece: &str, size: f64) -> Drawn<f64> {
    // Measured large: plotters rounds to pixels.
    const MEASURED: f64 = 64.0;
    let (width, _) = (FONT, MEASURED * size).into_font().box_size(piece)?;
    Ok(f64::from(width) / MEASURED)
}

/// The pieces of a text, and where each stands.
fn pieces(text: &str) -> Vec<(&str, Level)> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let mark = [("^{", Level::Raised), ("_{", Level::Lowered)]
            .into_iter()
            .filter_map(|(mark, level)| Some((rest.find(mark)?, level)))
            .min_by_key(|(at, _)| *at);
        let index = mark.and_then(|(at, level)| Some((&rest[..at], rest[at + 2..].split_once('}')?, level)));
        match index {
            Some((before, (index, after), level)) => {
                pieces.extend([(before, Level::Line), (index, level)]);
                rest = after;
            }
            None => {
                pieces.push((rest, Level::Line));
                break;
            }
        }
    }
    pieces.retain(|(piece, _)| !piece.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_told_from_the_rest() {
        use Level::{Line, Lowered, Raised};
        let unit = [("s", Line), ("3", Raised), (" m", Line), ("−6", Raised)];
        assert_eq!(pieces("s^{3} m^{−6}"), unit);
        assert_eq!(pieces("v_{x} [km/s]"), [("v", Line), ("x", Lowered), (" [km/s]", Line)]);
        assert_eq!(pieces("plain } text"), [("plain } text", Line)]);
        assert_eq!(pieces("never ^{closed"), [("never ^{closed", Line)]);
    }

    #[test]
    fn rasters_fill_their_area_from_the_bottom_left() {
        let mut canvas = Canvas::new(4.0, 2.0).unwrap();
        let area = Area { left: 2.0, top: 0.0, width: 2.0, height: 2.0 };
        canvas.raster(&area, |u, v| if u < 0.5 && v < 0.5 { RGBColor(9, 9, 9) } else { RGBColor(0, 0, 0) });
        let reds: Vec<u8> = canvas.shrunk().chunks(3).map(|pixel| pixel[0]).collect();
        assert_eq!(reds, [255, 255, 0, 0, 255, 255, 9, 0]);
    }
}
