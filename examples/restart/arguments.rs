//! The command line.

use std::path::PathBuf;

use clap::Parser;
use clap::builder::PossibleValuesParser;

use crate::run::cases::{CASES, Case};
use crate::run::plasma::Resolution;

/// The codecs compared when none are named.
const CODECS: [&str; 26] = [
    "fast:l2=0.1",
    "fast:l2=0.03",
    "fast:l2=0.01",
    "balanced:l2=0.1",
    "balanced:l2=0.03",
    "balanced:l2=0.01",
    "smallest:l2=0.1",
    "smallest:l2=0.03",
    "smallest:l2=0.01",
    "smallest:dex=0.1",
    "smallest:dex=0.03",
    "conserve(fast:l2=0.1)",
    "conserve(fast:l2=0.03)",
    "conserve(fast:l2=0.01)",
    "conserve(balanced:l2=0.1)",
    "conserve(balanced:l2=0.03)",
    "conserve(balanced:l2=0.01)",
    "conserve(smallest:l2=0.1)",
    "conserve(smallest:l2=0.03)",
    "conserve(smallest:l2=0.01)",
    "conserve(smallest:l2=0.001)",
    "conserve(smallest:l2=0.0001)",
    "conserve(smallest:dex=0.1)",
    "conserve(smallest:dex=0.03)",
    "shared:deviation=0.01",
    "shared:deviation=0.0003",
];
/// Those of a quick run.
const QUICK_CODECS: [&str; 3] = ["fast:l2=0.03", "conserve(fast:l2=0.03)", "conserve(smallest:l2=0.01)"];

/// Restart a Vlasov-Poisson simulation from compressed distributions and see what becomes of its waves.
///
/// Landau damping, a two-stream instability and a bump on tail, in one space and three velocity dimensions. At half time the
/// distribution of every cell goes through a stream and back, and the run goes on. The exit status is 0 only if every codec
/// met its bound.
#[derive(Debug, Parser)]
#[command(name = "restart")]
pub struct Arguments {
    /// A codec, again for each further one, or several in quotes with `;` between them. Without it, 26.
    ///
    /// A codec is a spec, or `shared:deviation=PART`: all cells share a mean and components, and PART bounds the error
    /// relative to the deviations from the mean, in the root mean square.
    #[arg(long, value_name = "SPEC", value_delimiter = ';')]
    codec: Vec<String>,
    /// A case, again for each further one. Without it, all.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(CASES.map(|case| case.name)))]
    case: Vec<String>,
    /// Coarse grids and three codecs: some seconds.
    #[arg(long)]
    pub quick: bool,
    /// Write the figures as JSON: an array of rows, each of one case and one codec.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Print and draw the rows of this file instead of running, again for each further file: those of `--json`, and those of
    /// `peers`.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["codec", "case", "quick", "json"])]
    pub from: Vec<PathBuf>,
    /// The picture.
    #[arg(long, value_name = "FILE", default_value = "out/restart.png")]
    pub out: PathBuf,
}

impl Arguments {
    /// The specs to compare.
    pub fn codecs(&self) -> Vec<&str> {
        match (self.codec.is_empty(), self.quick) {
            (false, _) => self.codec.iter().map(|spec| spec.trim()).collect(),
            (true, false) => CODECS.to_vec(),
            (true, true) => QUICK_CODECS.to_vec(),
        }
    }

    /// The cases to run.
    pub fn cases(&self) -> Vec<&'static Case> {
        let is_wanted = |case: &&Case| self.case.is_empty() || self.case.iter().any(|name| name == case.name);
        CASES.iter().filter(is_wanted).collect()
    }

    /// The grid and the time step.
    pub fn resolution(&self) -> Resolution {
        if self.quick { Resolution::QUICK } else { Resolution::FULL }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent_and_its_specs_exist() {
        Arguments::command().debug_assert();
        for spec in CODECS.iter().chain(&QUICK_CODECS) {
            assert!(crate::codec(spec).is_ok(), "{spec}");
        }
        let arguments = Arguments::parse_from(["restart", "--codec", "fast; balanced", "--case", "landau"]);
        assert_eq!((arguments.codecs(), arguments.cases().len()), (vec!["fast", "balanced"], 1));
        assert!(Arguments::try_parse_from(["restart", "--case", "ion-acoustic"]).is_err());
    }
}
