//! Moments of distributions, and errors of reconstructions.

use vdf_basis::{Fidelity, Moments};

use crate::boxes::{Value, read_box};
use crate::grid::{grid_at, vdfb_grid, vdfb_layout};
use crate::pointers::output;
use crate::status::{guard, vdfb_status};

/// Velocity moments per unit mass. With velocities in m/s and densities in s^3 m^-6 they are in SI units.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct vdfb_moments {
    /// Number density n [m^-3].
    pub density: f64,
    /// Bulk velocity u [m/s].
    pub bulk_velocity: [f64; 3],
    /// Pressure tensor: sum (v-u)_i (v-u)_j f dV [m^-1 s^-2].
    pub pressure: [[f64; 3]; 3],
    /// Heat flux: sum (v-u)_i |v-u|^2 f dV / 2 [s^-3].
    pub heat_flux: [f64; 3],
    /// Thermal speed: the standard deviation of one velocity component, averaged over the three [m/s].
    pub thermal_speed: f64,
}

/// Errors of a reconstruction g of an original f, without dimension.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct vdfb_fidelity {
    /// sum |f-g| / sum |f|.
    pub l1: f64,
    /// Norm of f-g over that of f.
    pub l2: f64,
    /// max |f-g| / max |f|.
    pub linf: f64,
    /// Root mean square over all cells of log10 max(f, floor) - log10 max(g, floor) [dex].
    pub log10_rms: f64,
    /// Largest |f-g| / f over the cells with f >= floor.
    pub relative: f64,
    /// That floor [s^3 m^-6].
    pub log10_floor: f64,
    /// Error of the density, over the density.
    pub density: f64,
    /// Error of the bulk velocity, over the thermal speed.
    pub bulk_velocity: f64,
    /// Largest error of a component of it, over the thermal speed along its axis.
    pub bulk_velocity_component: f64,
    /// Norm of the error of the pressure tensor, over that of the tensor.
    pub pressure: f64,
    /// Largest error of a component of it, over n v_i v_j, v_i the thermal speed along axis i.
    pub pressure_component: f64,
    /// Error of the heat flux, over n times the thermal speed cubed.
    pub heat_flux: f64,
    /// Mass of the negative part of g, over n.
    pub negative_mass: f64,
}

impl From<&Moments> for vdfb_moments {
    fn from(moments: &Moments) -> Self {
        let Moments { density, bulk_velocity, pressure, heat_flux } = *moments;
        Self { density, bulk_velocity, pressure, heat_flux, thermal_speed: moments.thermal_speed() }
    }
}

impl From<&Fidelity> for vdfb_fidelity {
    fn from(f: &Fidelity) -> Self {
        Self {
            l1: f.l1,
            l2: f.l2,
            linf: f.linf,
            log10_rms: f.log10_rms,
            relative: f.relative,
            log10_floor: f.log10_floor,
            density: f.density,
            bulk_velocity: f.bulk_velocity,
            bulk_velocity_component: f.bulk_velocity_component,
            pressure: f.pressure,
            pressure_component: f.pressure_component,
            heat_flux: f.heat_flux,
            negative_mass: f.negative_mass,
        }
    }
}

/// `vdfb_moments_f64` and `_f32`.
///
/// # Safety
/// As [`read_box`]; if they are not null, `grid` points to a grid, and `moments` may be written to.
unsafe fn moments<T: Value>(
    grid: *const vdfb_grid,
    (values, count): (*const T, usize),
    layout: *const vdfb_layout,
    moments: *mut vdfb_moments,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's pointer.
        let mut moments = unsafe { output(moments, "moments") }?;
        // SAFETY: the caller's grid.
        let grid = unsafe { grid_at(grid) }?;
        // SAFETY: the caller's array.
        let vdf = unsafe { read_box(grid, values, count, layout) }?;
        moments.put(0, vdfb_moments::from(&vdf.moments()));
        Ok(())
    })
}

/// `vdfb_fidelity_f64` and `_f32`.
///
/// # Safety
/// As [`read_box`] for each of the two arrays; if they are not null, `grid` points to a grid, and `fidelity` may be written
/// to.
unsafe fn fidelity<T: Value>(
    grid: *const vdfb_grid,
    (original, reconstruction, count): (*const T, *const T, usize),
    layout: *const vdfb_layout,
    floor: f64,
    fidelity: *mut vdfb_fidelity,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's pointer.
        let mut fidelity = unsafe { output(fidelity, "fidelity") }?;
        // SAFETY: the caller's grid.
        let grid = unsafe { grid_at(grid) }?;
        // SAFETY: the caller's array.
        let original = unsafe { read_box(grid, original, count, layout) }.map_err(|failure| failure.at("original"))?;
        // SAFETY: the caller's array.
        let reconstruction = unsafe { read_box(grid, reconstruction, count, layout) };
        let reconstruction = reconstruction.map_err(|failure| failure.at("reconstruction"))?;
        let floor = if floor == 0.0 { Fidelity::default_floor(&original) } else { floor };
        let found = Fidelity::compare_above(&original, &reconstruction, floor)?;
        fidelity.put(0, vdfb_fidelity::from(&found));
        Ok(())
    })
}

/// The moments of a distribution; its arguments as those of `vdfb_encode_f64`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_moments_f64(
    grid: *const vdfb_grid,
    values: *const f64,
    count: usize,
    layout: *const vdfb_layout,
    result: *mut vdfb_moments,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { moments(grid, (values, count), layout, result) }
}

/// As `vdfb_moments_f64`, in single precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_moments_f32(
    grid: *const vdfb_grid,
    values: *const f32,
    count: usize,
    layout: *const vdfb_layout,
    result: *mut vdfb_moments,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { moments(grid, (values, count), layout, result) }
}

/// The errors of a reconstruction against the original, both of `count` values in the same layout. `floor` is that of the
/// logarithmic and of the relative error [s^3 m^-6]; 0 takes 1e-15 for peaks from 1e-14 to 1e-7, else 1e-6 of the peak.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_fidelity_f64(
    grid: *const vdfb_grid,
    original: *const f64,
    reconstruction: *const f64,
    count: usize,
    layout: *const vdfb_layout,
    floor: f64,
    result: *mut vdfb_fidelity,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { fidelity(grid, (original, reconstruction, count), layout, floor, result) }
}

/// As `vdfb_fidelity_f64`, in single precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_fidelity_f32(
    grid: *const vdfb_grid,
    original: *const f32,
    reconstruction: *const f32,
    count: usize,
    layout: *const vdfb_layout,
    floor: f64,
    result: *mut vdfb_fidelity,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { fidelity(grid, (original, reconstruction, count), layout, floor, result) }
}
