//! Rounds, in each of which every program is measured once.

use std::time::Duration;

use anyhow::Result;

use crate::contender::{Contender, Sample, Workload};

/// The largest share of one core that other programs may take. A measurement with more is repeated.
const MAX_OTHERS: f64 = 0.05;

/// How often a disturbed measurement is repeated before it counts, with a mark.
const REPEATS: usize = 2;

/// How many rounds there are, and how long one program is measured in each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounds {
    pub(crate) count: usize,
    pub(crate) duration: Duration,
}

/// All measurements of one program.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) samples: Vec<Sample>,
}

impl Rounds {
    /// Measures every contender once in each round. Every other round has the opposite order, so that a machine whose speed
    /// drifts favours no contender.
    pub(crate) fn run(&self, contenders: &[Contender], load: &Workload, cores: &str) -> Result<Vec<Series>> {
        let mut all: Vec<_> =
            contenders.iter().map(|it| Series { name: it.name, samples: Vec::new() }).collect();
        for round in 0..self.count {
            eprint!("\r{}: round {} of {} ", load.title, round + 1, self.count);
            let mut order: Vec<_> = contenders.iter().zip(&mut all).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for (contender, series) in order {
                series.samples.push(self.quiet_sample(contender, load, cores)?);
            }
        }
        eprintln!();
        Ok(all)
    }

    fn quiet_sample(&self, contender: &Contender, load: &Workload, cores: &str) -> Result<Sample> {
        let mut best = contender.measure(load, cores, self.duration)?;
        for _ in 0..REPEATS {
            if best.others <= MAX_OTHERS {
                break;
            }
            let sample = contender.measure(load, cores, self.duration)?;
            if sample.others < best.others {
                best = sample;
            }
        }
        Ok(best)
    }
}

impl Series {
    pub(crate) fn median(&self, of: fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(of).collect())
    }

    /// The median of the ratios in each round.
    pub(crate) fn ratio(&self, to: &Self) -> f64 {
        median(self.samples.iter().zip(&to.samples).map(|(one, other)| one.cpu / other.cpu).collect())
    }

    /// The smallest and the largest CPU time.
    pub(crate) fn spread(&self) -> (f64, f64) {
        let mut sorted: Vec<_> = self.samples.iter().map(|sample| sample.cpu).collect();
        sorted.sort_by(f64::total_cmp);
        (sorted.first().copied().unwrap_or_default(), sorted.last().copied().unwrap_or_default())
    }

    /// How many measurements other programs disturbed.
    pub(crate) fn disturbed(&self) -> usize {
        self.samples.iter().filter(|sample| sample.others > MAX_OTHERS).count()
    }
}

/// The middle one of these numbers; 0 for none.
pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}
