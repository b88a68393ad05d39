//! One room per basis.
