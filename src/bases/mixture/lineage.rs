//! Components as descendants of those of the distribution before, where a coder codes several one after another.
//!
//! Of neighbouring cells, most components are alike: each component before says whether it goes on, and if so it is coded
//! by its differences from there. Newcomers follow as in a stream of one distribution.

use std::cmp::Reverse;

use super::{Mixture, MixtureComponent, NAME};
use crate::coding::{Bit, Coder, Integers, malformed, multiple};
use crate::distribution::gaussian_coding::{Ancestor, BLANK, GaussianModels, Widths};
use crate::distribution::gaussian_fit::Gaussian;
use crate::distribution::grid::VelocityGrid;
use crate::error::Result;

/// What a coder knows of the mixtures before.
#[derive(Debug, Clone)]
struct Lineage {
    gaussians: GaussianModels,
    before: Vec<Ancestor>,
    goes_on: Bit,
    newcomers: Integers,
}

impl Mixture {
    /// Codes rounded components after those of the distributions before.
    pub(super) fn code_descendants(
        &self,
        components: &mut Vec<MixtureComponent>,
        grid: &VelocityGrid,
        step: f64,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        let widths = self.widths(0);
        let fresh = || Lineage {
            gaussians: GaussianModels::of(NAME),
            before: Vec::new(),
            goes_on: Bit::even(),
            newcomers: Integers::default(),
        };
        let kind = usize::from(widths == Widths::Full);
        coder.learnt(kind, fresh, |coder, lineage| {
            let mut bells: Vec<Gaussian> = components.iter().map(|component| self.bell(component)).collect();
            lineage.code(&mut bells, (widths, grid, step), coder)?;
            *components = bells.iter().map(|bell| self.component(bell)).collect();
            if components.iter().any(|component| !component.density.is_normal()) {
                return Err(lineage.gaussians.lost_digits(coder));
            }
            // The order of a stream of one distribution, so that sums over components are the same.
            components.sort_by_key(|component| Reverse(multiple(self.norm(component, grid), step)));
            Ok(())
        })
    }
}

impl Lineage {
    fn code(
        &mut self,
        bells: &mut Vec<Gaussian>,
        how: (Widths, &VelocityGrid, f64),
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        let (_, grid, step) = how;
        let resembling: Vec<Ancestor> = bells.iter().map(|bell| Ancestor::resembling(bell, grid)).collect();
        let partners = self.partners(&resembling, grid, step);
        self.gaussians.begin();
        let (mut coded, mut ancestors) = (Vec::new(), Vec::new());
        for (ancestor, partner) in self.before.iter().zip(&partners) {
            if coder.bit(&mut self.goes_on, partner.is_some()) {
                let mut bell = partner.map_or(BLANK, |partner| bells[partner]);
                ancestors.push(self.gaussians.code_like(coder, Some(ancestor), &mut bell, how)?);
                coded.push(bell);
            }
        }
        let is_new = |index: &usize| !partners.contains(&Some(*index));
        let mut rest: Vec<usize> = (0..bells.len()).filter(is_new).collect();
        rest.sort_by_key(|&index| Reverse(multiple(resembling[index].norm, step)));
        let count = coder.integer(&mut self.newcomers, rest.len() as i64)?;
        let most = Mixture::MAX_COMPONENTS.saturating_sub(coded.len());
        let count = usize::try_from(count).ok().filter(|&count| count <= most);
        let count = count.ok_or_else(|| malformed("a number of components out of range"))?;
        for index in 0..count {
            let mut bell = rest.get(index).map_or(BLANK, |&index| bells[index]);
            ancestors.push(self.gaussians.code_like(coder, None, &mut bell, how)?);
            coded.push(bell);
        }
        (*bells, self.before) = (coded, ancestors);
        Ok(())
    }

    /// For each component before, the one that goes on from it: pairs by falling savings.
    fn partners(&self, components: &[Ancestor], grid: &VelocityGrid, step: f64) -> Vec<Option<usize>> {
        let mut pairs = Vec::new();
        for (ancestor, before) in self.before.iter().enumerate() {
            for (component, now) in components.iter().enumerate() {
                let saving = before.saving(now, grid, step);
                if saving > 0.0 {
                    pairs.push((saving, ancestor, component));
                }
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut partners = vec![None; self.before.len()];
        let mut taken = vec![false; components.len()];
        for (_, ancestor, component) in pairs {
            if partners[ancestor].is_none() && !taken[component] {
                partners[ancestor] = Some(component);
                taken[component] = true;
            }
        }
        partners
    }
}
