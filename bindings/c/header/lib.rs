//! Checks that the committed header is the one that the sources give; `VDF_BASIS_WRITE_HEADER=1` writes it.

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_header_is_that_of_the_sources() {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = own.join("..");
        let config = cbindgen::Config::from_file(own.join("cbindgen.toml")).unwrap();
        let bindings = cbindgen::Builder::new().with_crate(&root).with_config(config).generate().unwrap();
        let mut made = Vec::new();
        bindings.write(&mut made);
        let (made, path) = (String::from_utf8(made).unwrap(), root.join("include/vdf_basis.h"));
        if std::env::var_os("VDF_BASIS_WRITE_HEADER").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == made,
            "{} is not current: VDF_BASIS_WRITE_HEADER=1 cargo test -p vdf-basis-c-header writes it",
            path.display()
        );
    }
}
