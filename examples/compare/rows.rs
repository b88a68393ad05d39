//! The figures as JSON.

use serde::Serialize;
use vdf_basis::FieldFidelity;

use crate::measure::{Measured, Row};

/// One basis on one distribution. Figures that are missing, not defined or not finite are `null`; where a basis failed, all
/// are, and `error` says why. Those from `parallel_temperature` to `sqrt_q` need a magnetic field.
#[derive(Debug, Default, Serialize)]
pub struct JsonRow {
    distribution: String,
    basis: String,
    error: Option<String>,
    coefficients: Option<usize>,
    bytes: Option<usize>,
    ratio_f64: Option<f64>,
    ratio_f32: Option<f64>,
    l1: Option<f64>,
    l2: Option<f64>,
    linf: Option<f64>,
    log10_rms: Option<f64>,
    density: Option<f64>,
    bulk_velocity: Option<f64>,
    bulk_velocity_component: Option<f64>,
    pressure: Option<f64>,
    pressure_component: Option<f64>,
    heat_flux: Option<f64>,
    negative_mass: Option<f64>,
    js_divergence: Option<f64>,
    parallel_temperature: Option<f64>,
    perpendicular_temperature: Option<f64>,
    anisotropy: Option<f64>,
    sqrt_q: Option<f64>,
    encode_ms: Option<f64>,
    reconstruct_ms: Option<f64>,
}

impl JsonRow {
    /// The figures of one basis on the distribution of this name.
    pub fn new(distribution: &str, row: &Row) -> Self {
        let named = Self { distribution: distribution.to_owned(), basis: row.spec.clone(), ..Self::default() };
        match &row.outcome {
            Ok(measured) => named.measured(measured),
            Err(reason) => Self { error: Some(reason.to_string()), ..named },
        }
    }

    fn measured(self, measured: &Measured) -> Self {
        let Measured { cost, fidelity, about_field, .. } = measured;
        let finite = |figure: f64| figure.is_finite().then_some(figure);
        let of_field = |figure: fn(&FieldFidelity) -> Option<f64>| finite(figure(about_field.as_ref()?)?);
        Self {
            coefficients: Some(measured.coefficients),
            bytes: Some(cost.bytes),
            ratio_f64: finite(cost.ratio_f64),
            ratio_f32: finite(cost.ratio_f32),
            l1: finite(fidelity.l1),
            l2: finite(fidelity.l2),
            linf: finite(fidelity.linf),
            log10_rms: finite(fidelity.log10_rms),
            density: finite(fidelity.density),
            bulk_velocity: finite(fidelity.bulk_velocity),
            bulk_velocity_component: finite(fidelity.bulk_velocity_component),
            pressure: finite(fidelity.pressure),
            pressure_component: finite(fidelity.pressure_component),
            heat_flux: finite(fidelity.heat_flux),
            negative_mass: finite(fidelity.negative_mass),
            js_divergence: finite(fidelity.js_divergence),
            parallel_temperature: of_field(|errors| errors.parallel_temperature),
            perpendicular_temperature: of_field(|errors| errors.perpendicular_temperature),
            anisotropy: of_field(|errors| errors.anisotropy),
            sqrt_q: of_field(|errors| errors.sqrt_q),
            encode_ms: finite(measured.encode_ms),
            reconstruct_ms: finite(measured.reconstruct_ms),
            ..self
        }
    }
}

/// An array of one object per row; with several distributions their rows follow each other, in the order of the tables.
pub fn to_json(rows: &[JsonRow]) -> serde_json::Result<String> {
    serde_json::to_string_pretty(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vdf_basis::{Error, Fidelity, StorageCost, Vdf, VelocityGrid};

    fn rows() -> Vec<JsonRow> {
        let vdf = Vdf::zeros(VelocityGrid::unit([2, 2, 2]).unwrap());
        let mut fidelity = Fidelity::compare(&vdf, &vdf).unwrap();
        fidelity.pressure = f64::INFINITY;
        let measured = Measured {
            boxes: Vec::new(),
            cost: StorageCost::new(vdf.grid(), 1, 128),
            reconstruction: vdf,
            coefficients: 7,
            fidelity,
            about_field: None,
            encode_ms: 1.5,
            reconstruct_ms: 0.5,
            spectrum: None,
        };
        let failed = Error::Degenerate { basis: "maxwellian", reason: "nothing there".to_owned() };
        let rows = [
            Row { spec: "maxwellian".to_owned(), outcome: Ok(measured) },
            Row { spec: "maxwellian:fit=moments".to_owned(), outcome: Err(failed) },
        ];
        rows.iter().map(|row| JsonRow::new("beams", row)).collect()
    }

    #[test]
    fn every_row_has_exactly_the_promised_keys_in_order() {
        let keys = "distribution basis error coefficients bytes ratio_f64 ratio_f32 l1 l2 linf log10_rms density \
                    bulk_velocity bulk_velocity_component pressure pressure_component heat_flux negative_mass \
                    js_divergence parallel_temperature perpendicular_temperature anisotropy sqrt_q encode_ms \
                    reconstruct_ms";
        let json = to_json(&rows()).unwrap();
        let found: Vec<&str> =
            json.lines().filter_map(|line| Some(line.split_once(':')?.0.trim().trim_matches('"'))).collect();
        let expected: Vec<&str> = keys.split_whitespace().chain(keys.split_whitespace()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn missing_and_infinite_figures_are_null() {
        let json: serde_json::Value = serde_json::from_str(&to_json(&rows()).unwrap()).unwrap();
        assert_eq!((&json[0]["ratio_f64"], &json[0]["coefficients"]), (&0.5.into(), &7.into()));
        assert!(json[0]["pressure"].is_null() && json[1]["l2"].is_null());
        assert_eq!((&json[1]["distribution"], &json[1]["basis"]), (&"beams".into(), &"maxwellian:fit=moments".into()));
        assert!(json[0]["error"].is_null() && json[1]["error"].as_str().unwrap().contains("nothing there"));
    }
}
