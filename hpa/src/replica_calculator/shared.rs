//! Metrics with one value for all pods: of an object, or of nothing in the cluster. The value is compared with a target as it
//! is, or after it was shared among the replicas.

use super::{Calculation, CalculationError};
use crate::pods::Pod;
use crate::settings::Defects;
use crate::tolerance::Tolerance;
use crate::trace::{MetricTrace, Rule};

/// What a metric with one value is computed from.
#[derive(Clone, Copy, Debug)]
pub struct Shared<'a> {
    /// The value in thousandths.
    pub milli: i64,
    /// What it should be, in thousandths.
    pub target: i64,
    /// The replicas that the scale asks for.
    pub current: i32,
    /// The replicas that there are.
    pub existing: i32,
    /// The pods that the selector finds.
    pub pods: &'a [&'a Pod],
    /// The band in which nothing is done.
    pub tolerance: Tolerance,
    /// What to do where upstream's arithmetic has known defects.
    pub defects: Defects,
}

impl Shared<'_> {
    /// The replicas for a target of the whole value.
    ///
    /// # Errors
    /// There are no pods of which to count the ready ones.
    pub fn whole(&self, trace: &mut MetricTrace) -> Result<Calculation, CalculationError> {
        let ratio = self.milli as f64 / self.target as f64;
        (trace.ratio, trace.value) = (Some(ratio), Some(self.milli));
        // This path saturates in upstream too, as `as` does.
        let (replicas, rule) = if self.current == 0 {
            (ratio.ceil() as i32, Rule::RatioFromZero)
        } else if self.tolerance.holds(ratio) {
            (self.current, Rule::WithinTolerance)
        } else if self.pods.is_empty() {
            return Err(CalculationError::NoPodsToCount);
        } else {
            let ready = self.pods.iter().filter(|pod| pod.is_ready()).count();
            trace.shared_among = Some(ready as i64);
            if ready == 0 && self.defects.none_ready_keeps_replicas {
                (self.current, Rule::NoneReady)
            } else {
                ((ratio * ready as f64).ceil() as i32, Rule::RatioTimesReady)
            }
        };
        trace.rule = Some(rule);
        Ok(Calculation { replicas, milli: self.milli, utilization: None })
    }

    /// The replicas for a target of the value for each replica. `external` metrics saturate in upstream too.
    #[must_use]
    pub fn average(&self, external: bool, trace: &mut MetricTrace) -> Calculation {
        let existing = f64::from(self.existing);
        let ratio = self.milli as f64 / (self.target as f64 * existing);
        trace.ratio = Some(ratio).filter(|ratio| ratio.is_finite());
        trace.shared_among = Some(i64::from(self.existing));
        let (replicas, rule) = if self.tolerance.holds(ratio) {
            let kept = if self.defects.tolerance_keeps_spec { self.current } else { self.existing };
            (kept, Rule::WithinTolerance)
        } else {
            let replicas = (self.milli as f64 / self.target as f64).ceil();
            (if external { replicas as i32 } else { self.defects.replicas(replicas) }, Rule::ValueByTarget)
        };
        let milli = match self.existing {
            0 if self.defects.average_of_none_is_least => i64::MIN,
            0 => self.milli,
            _ => (self.milli as f64 / existing).ceil() as i64,
        };
        (trace.value, trace.rule) = (Some(milli), Some(rule));
        Calculation { replicas, milli, utilization: None }
    }
}
