//! What several integration tests share.

use std::path::PathBuf;

/// The path of a real distribution: in the folder that the environment variable `VDF_BASIS_DATA` names, else in
/// `../shared/data` beside the package. None, said plainly, where it is not there.
pub fn real_data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("VDF_BASIS_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")), PathBuf::from);
    let path = folder.join(name);
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: real data not found in {}", folder.display());
    None
}
