//! Entropy and gyro-averages of a mixture, from its components. Its temperatures and its agyrotropy about a magnetic field are
//! those of its [`Moments`](crate::Moments).

mod entropy;
mod gyro_average;
