//! Metrics of which every pod has its own sample: resources and pod metrics. Pods without a sample that counts get a cautious
//! one, so that holes in the data never drive replicas up or down by themselves.

use std::collections::HashSet;

use jiff::Timestamp;

use super::ratio::{Sum, Usage, Wanted};
use super::{Calculation, CalculationError};
use crate::pods::requests::requested;
use crate::pods::{Group, Pod, groups};
use crate::sample::PodSamples;
use crate::settings::Settings;
use crate::tolerance::Tolerance;
use crate::trace::{Filled, MetricTrace, PodsTrace, Rule};

/// What a metric of pods is computed from.
#[derive(Clone, Copy, Debug)]
pub struct PerPod<'a> {
    /// The pods that the selector finds.
    pub pods: &'a [&'a Pod],
    /// Their samples by name.
    pub samples: &'a PodSamples,
    /// The resource, if it is one: CPU has rules of its own.
    pub resource: Option<&'a str>,
    /// The container, if only one counts.
    pub container: Option<&'a str>,
    /// What a pod should use.
    pub wanted: Wanted,
    /// The replicas that the scale asks for.
    pub current: i32,
    /// The band in which nothing is done.
    pub tolerance: Tolerance,
    /// When the decision is made.
    pub now: Timestamp,
    /// The controller's settings.
    pub settings: &'a Settings,
}

impl PerPod<'_> {
    /// The replicas, with every step in `trace`.
    ///
    /// # Errors
    /// There are no pods, no samples that count, or requests lack.
    pub fn replicas(&self, trace: &mut MetricTrace) -> Result<Calculation, CalculationError> {
        if self.pods.is_empty() {
            return Err(CalculationError::NoPods);
        }
        let groups = groups(self.pods, self.samples, self.resource, self.now, self.settings);
        let mut seen = self.seen(&groups);
        let requests = self.requests();
        let first = requests.as_ref().map_err(Clone::clone).and_then(|requests| {
            let sum = self.sum(&groups, requests, &mut seen);
            if sum.samples == 0 { Err(CalculationError::NoSamples) } else { Ok((sum, sum.usage(self.wanted)?)) }
        });
        let (sum, usage) = match first {
            Ok(first) => first,
            Err(error) => {
                trace.pods = Some(seen);
                return Err(error);
            }
        };
        trace.ratio = Some(usage.ratio);
        trace.value = Some(usage.utilization.map_or(usage.milli, i64::from));
        let requests = requests.unwrap_or_default();
        let (replicas, rule) = self.decided(sum, usage, &groups, &requests, &mut seen)?;
        trace.shared_among = Some(seen.ready as i64);
        trace.pods = Some(seen);
        trace.rule = Some(rule);
        Ok(Calculation { replicas, milli: usage.milli, utilization: usage.utilization })
    }

    fn seen(&self, groups: &[Group]) -> PodsTrace {
        let mut seen = PodsTrace::default();
        for (pod, group) in self.pods.iter().zip(groups) {
            match group {
                Group::Ready => seen.ready += 1,
                Group::Unready => seen.unready.push(pod.name.clone()),
                Group::Missing => seen.missing.push(pod.name.clone()),
                Group::Ignored => seen.ignored.push(pod.name.clone()),
            }
        }
        seen
    }

    /// The request of each pod, in their order; none of an average.
    fn requests(&self) -> Result<Vec<Option<i64>>, CalculationError> {
        let (Wanted::Utilization(_), Some(resource)) = (self.wanted, self.resource) else {
            return Ok(vec![None; self.pods.len()]);
        };
        let of = |pod: &&Pod| requested(&pod.requests, &pod.name, resource, self.container, self.settings.gates).map(Some);
        Ok(self.pods.iter().map(of).collect::<Result<_, _>>()?)
    }

    fn sum(&self, groups: &[Group], requests: &[Option<i64>], seen: &mut PodsTrace) -> Sum {
        let (mut sum, mut known) = (Sum::default(), 0);
        for ((pod, group), request) in self.pods.iter().zip(groups).zip(requests) {
            let Some(sample) = self.samples.get(&pod.name) else { continue };
            known += 1;
            if *group == Group::Ready {
                sum.add(sample.milli, *request);
            }
        }
        if known < self.samples.len() {
            let names: HashSet<&str> = self.pods.iter().map(|pod| pod.name.as_str()).collect();
            for (_, stranger) in self.samples.iter().filter(|(name, _)| !names.contains(name.as_str())) {
                sum.add_stranger(stranger.milli, self.wanted);
                seen.strangers += 1;
            }
        }
        sum
    }

    fn decided(
        &self,
        mut sum: Sum,
        usage: Usage,
        groups: &[Group],
        requests: &[Option<i64>],
        seen: &mut PodsTrace,
    ) -> Result<(i32, Rule), CalculationError> {
        let up_with_unready = !seen.unready.is_empty() && usage.ratio > 1.0;
        if !up_with_unready && seen.missing.is_empty() {
            if self.tolerance.holds(usage.ratio) {
                return Ok((self.current, Rule::WithinTolerance));
            }
            return Ok((self.settings.defects.replicas((usage.ratio * seen.ready as f64).ceil()), Rule::RatioTimesReady));
        }
        let missing_as = self.missing_as(usage.ratio).filter(|_| !seen.missing.is_empty());
        for (group, request) in groups.iter().zip(requests) {
            match (group, missing_as) {
                (Group::Missing, Some(fill)) => sum.add(self.filled(fill, *request), *request),
                (Group::Unready, _) if up_with_unready => sum.add(0, *request),
                _ => {}
            }
        }
        let ratio = sum.usage(self.wanted)?.ratio;
        seen.filled = Some(Filled { missing_as, unready_idle: up_with_unready, counted: sum.samples, ratio });
        Ok(self.second(usage.ratio, ratio, sum.samples))
    }

    /// What a pod without a sample is taken for: busy when replicas are to shrink, idle when they are to grow.
    fn missing_as(&self, ratio: f64) -> Option<i64> {
        match self.wanted {
            Wanted::Utilization(percent) if ratio < 1.0 => Some(i64::from(percent.max(100))),
            Wanted::Average(milli) if ratio < 1.0 => Some(milli),
            _ if ratio > 1.0 => Some(0),
            _ => None,
        }
    }

    fn filled(&self, fill: i64, request: Option<i64>) -> i64 {
        match self.wanted {
            Wanted::Utilization(_) => request.unwrap_or(0).saturating_mul(fill) / 100,
            Wanted::Average(_) => fill,
        }
    }

    fn second(&self, first: f64, ratio: f64, counted: usize) -> (i32, Rule) {
        if self.tolerance.holds(ratio) {
            return (self.current, Rule::FilledWithinTolerance);
        }
        if (first < 1.0 && ratio > 1.0) || (first > 1.0 && ratio < 1.0) {
            return (self.current, Rule::FilledOtherSide);
        }
        let replicas = self.settings.defects.replicas((ratio * counted as f64).ceil());
        if (ratio < 1.0 && replicas > self.current) || (ratio > 1.0 && replicas < self.current) {
            return (self.current, Rule::FilledAgainstRatio);
        }
        (replicas, Rule::FilledRatioTimesCounted)
    }
}
