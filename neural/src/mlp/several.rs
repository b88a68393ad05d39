//! One network for several distributions.

/// To be written.
#[derive(Debug)]
pub struct SeveralMlp;
