//! The ratio of what pods use to what they should use, as integers until the last division: the truncations are part of the
//! algorithm. Sums saturate instead of wrapping around.

use super::CalculationError;

/// What a pod should use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Percent of its request.
    Utilization(i32),
    /// Thousandths.
    Average(i64),
}

/// Samples added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// The values of those that count.
    total: i64,
    /// Their requests.
    requests: i64,
    /// How many have both, or of an average how many there are.
    matched: i64,
    /// How many samples there are, those without a request included.
    pub samples: usize,
}

/// A ratio and the values behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// Used by wanted.
    pub ratio: f64,
    /// Percent used.
    pub utilization: Option<i32>,
    /// The average in thousandths.
    pub milli: i64,
}

impl Sum {
    /// Adds one sample of a pod with this request.
    pub fn add(&mut self, milli: i64, request: Option<i64>) {
        self.total = self.total.saturating_add(milli);
        self.requests = self.requests.saturating_add(request.unwrap_or(0));
        self.matched += 1;
        self.samples += 1;
    }

    /// Adds a sample of a pod that is not known: it counts as a sample, and for an average with its value.
    pub fn add_stranger(&mut self, milli: i64, wanted: Wanted) {
        match wanted {
            Wanted::Utilization(_) => self.samples += 1,
            Wanted::Average(_) => self.add(milli, None),
        }
    }

    /// The ratio.
    ///
    /// # Errors
    /// There is nothing to compare with.
    pub fn usage(self, wanted: Wanted) -> Result<Usage, CalculationError> {
        match wanted {
            Wanted::Utilization(percent) => {
                if self.requests == 0 {
                    return Err(CalculationError::NoMatch);
                }
                let used = i128::from(self.total) * 100 / i128::from(self.requests);
                let used = i32::try_from(used).unwrap_or(if used < 0 { i32::MIN } else { i32::MAX });
                let ratio = f64::from(used) / f64::from(percent);
                Ok(Usage { ratio, utilization: Some(used), milli: self.total / self.matched.max(1) })
            }
            Wanted::Average(milli) => {
                if self.matched == 0 {
                    return Err(CalculationError::NoSamples);
                }
                let average = self.total / self.matched;
                Ok(Usage { ratio: average as f64 / milli as f64, utilization: None, milli: average })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(samples: &[(i64, Option<i64>)]) -> Sum {
        let mut sum = Sum::default();
        for (milli, request) in samples {
            sum.add(*milli, *request);
        }
        sum
    }

    #[test]
    fn utilization_is_cut_to_whole_percent_before_the_division() {
        let usage = sum(&[(50, Some(100)), (76, Some(100))]).usage(Wanted::Utilization(50)).unwrap();
        assert_eq!((usage.ratio, usage.utilization, usage.milli), (1.26, Some(63), 63));
        assert_eq!(sum(&[(50, Some(0))]).usage(Wanted::Utilization(50)), Err(CalculationError::NoMatch));
    }

    #[test]
    fn averages_are_cut_and_huge_sums_saturate() {
        let usage = sum(&[(5, None), (4, None)]).usage(Wanted::Average(8)).unwrap();
        assert_eq!((usage.ratio, usage.milli), (0.5, 4));
        let usage = sum(&[(i64::MAX, Some(1)), (i64::MAX, Some(1))]).usage(Wanted::Utilization(50)).unwrap();
        assert_eq!(usage.utilization, Some(i32::MAX));
        assert_eq!(Sum::default().usage(Wanted::Average(8)), Err(CalculationError::NoSamples));
    }
}
