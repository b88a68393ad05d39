//! Motion of a charged particle in static fields, backwards in time.

/// Fields at one place, as accelerations: qE/m and qB/m (a vector of gyrofrequencies).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Field {
    pub electric: [f64; 3],
    pub magnetic: [f64; 3],
}

impl Field {
    /// The drift E × B/B².
    pub fn drift(&self) -> [f64; 3] {
        let b = self.magnetic;
        let squared = b[0] * b[0] + b[1] * b[1] + b[2] * b[2];
        cross(self.electric, b).map(|u| u / squared)
    }
}

/// Position and velocity of a particle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct State {
    pub position: [f64; 3],
    pub velocity: [f64; 3],
}

impl State {
    /// One step of length `dt`, which is negative backwards in time, by the method of Boris (1970): half a step of the
    /// position, the whole change of velocity in the field there, half a step of the position.
    ///
    /// The step is of second order, can be reversed, and conserves volumes of phase space exactly. Where the fields are
    /// uniform it conserves |v − u| exactly, u = E × B/B² the drift: (v₁ − v₀)/dt = qE/m + ½ (v₁ + v₀) × qB/m.
    pub fn step(self, dt: f64, field: impl Fn([f64; 3]) -> Field) -> Self {
        let half = 0.5 * dt;
        let middle = add(self.position, self.velocity, half);
        let Field { electric, magnetic } = field(middle);
        let before = add(self.velocity, electric, half);
        // A rotation about B by 2 arctan(½ |B| dt).
        let t = magnetic.map(|b| b * half);
        let s = 2.0 / (1.0 + t[0] * t[0] + t[1] * t[1] + t[2] * t[2]);
        let turned = add(before, cross(before, t), 1.0);
        let after = add(before, cross(turned, t), s);
        let velocity = add(after, electric, half);
        Self { position: add(middle, velocity, half), velocity }
    }
}

fn add(a: [f64; 3], b: [f64; 3], factor: f64) -> [f64; 3] {
    [a[0] + factor * b[0], a[1] + factor * b[1], a[2] + factor * b[2]]
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}
