//! Names the shared library as it is installed.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        // Versions 0.x with another x need not be compatible.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libvdf_basis.so.0.1");
    }
}
