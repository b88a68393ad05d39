//! Which pictures of a distribution are drawn, and into which files.

use std::path::{Path, PathBuf};

use crate::arguments::Pictures;
use crate::files;
use crate::input::Input;
use crate::measure::{Measured, Row};
use crate::names;
use crate::picture::canvas::{Canvas, Drawn};
use crate::picture::comparison::{Page, comparison};
use crate::picture::text::printed;
use crate::picture::view::View;
use crate::progress::Progress;
use crate::spectrum::spectrum;
use crate::summary::summary;

/// A folder for the pictures of one distribution.
pub struct Gallery<'a> {
    /// The folder of the pictures.
    pub folder: PathBuf,
    /// Which are wanted.
    pub pictures: Pictures,
    /// The file that was read, which none of them may replace.
    pub given: Option<&'a Path>,
}

impl Gallery<'_> {
    /// Draws what is wanted of the bases that succeeded, and says where it is; gives what could not be drawn.
    pub fn draw(&self, input: &Input, rows: &[Row], progress: &Progress) -> std::io::Result<Vec<String>> {
        let measured: Vec<_> =
            rows.iter().filter_map(|row| Some((row.spec.as_str(), row.outcome.as_ref().ok()?))).collect();
        if self.pictures == Pictures::None || measured.is_empty() {
            return Ok(Vec::new());
        }
        let view = View::new(&input.name, &input.vdf);
        let (mut files, mut problems) = (0, Vec::new());
        let mut draw = |name: String, canvas: Drawn<Canvas>| match canvas.and_then(|canvas| self.save(&name, &canvas)) {
            Ok(()) => files += 1,
            Err(problem) => problems.push(format!("a picture of {}: {problem}", input.name)),
        };
        progress.doing("summary".to_owned());
        draw("summary.png".to_owned(), summary(&view, &measured));
        if self.pictures == Pictures::All {
            let stems = names::file_stems(measured.iter().map(|(spec, _)| *spec));
            for ((spec, measured), stem) in measured.iter().zip(stems) {
                progress.doing(format!("{spec}: picture"));
                draw(format!("{stem}.png"), page(&view, spec, measured));
                if let Some(powers) = &measured.spectrum {
                    draw(format!("{stem}-spectrum.png"), spectrum(&view, spec, powers));
                }
            }
        }
        let folder = self.folder.display();
        match files {
            0 => {}
            1 => progress.print(&format!("picture: {folder}/summary.png\n"))?,
            _ => progress.print(&format!("{files} pictures: {folder}/*.png\n"))?,
        }
        Ok(problems)
    }

    fn save(&self, name: &str, canvas: &Canvas) -> Drawn {
        let path = self.folder.join(name);
        files::check_output(&path, self.given)?;
        files::check_writable(&path)?;
        canvas.save(&path)
    }
}

/// The page of one basis.
fn page(view: &View, spec: &str, measured: &Measured) -> Drawn<Canvas> {
    let figures = format!(
        "{} coefficients, {} bytes     l2 error {}, pressure error {}     {}, {}",
        measured.coefficients,
        measured.cost.bytes,
        printed(measured.fidelity.l2),
        printed(measured.fidelity.pressure),
        view.name,
        view.shape(),
    );
    let (reconstruction, boxes) = (&measured.reconstruction, &measured.boxes[..]);
    comparison(view, &Page { spec, figures: &figures, reconstruction, boxes })
}
