//! How far from 1 a ratio may be before anything is done: the flag's value, or an autoscaler's own for each direction.

use metrics_api::Quantity;
use serde::Serialize;

use crate::settings::Settings;
use crate::spec::{Behavior, ScalingRules};

/// The band around 1, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tolerance {
    /// So far above 1 is still well.
    pub up: f64,
    /// So far below 1 is still well.
    pub down: f64,
}

impl Tolerance {
    /// What holds for an autoscaler with this behavior.
    #[must_use]
    pub fn of(behavior: Option<&Behavior>, settings: &Settings) -> Self {
        let own = |rules: Option<&ScalingRules>| {
            let tolerance = rules.and_then(|rules| rules.tolerance).filter(|_| settings.gates.configurable_tolerance);
            tolerance.map_or(settings.tolerance, approximate)
        };
        let (up, down) = behavior.map_or((None, None), |behavior| (behavior.scale_up.as_ref(), behavior.scale_down.as_ref()));
        Self { up: own(up), down: own(down) }
    }

    /// Whether nothing is to be done at this ratio; never so for what is no number.
    #[must_use]
    pub fn holds(self, ratio: f64) -> bool {
        1.0 - self.down <= ratio && ratio <= 1.0 + self.up
    }
}

/// A quantity as the nearest double, as Go's `AsApproximateFloat64` gives it: its digits times a power of ten.
fn approximate(quantity: Quantity) -> f64 {
    let text = quantity.to_string();
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let scale = match &text[digits.len()..] {
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "" => 1.0,
        // Tolerances of a thousand and more hold everything; so does a great one.
        _ => 1e3,
    };
    // The canonical form of a quantity is digits and a suffix; an exponent's digits only make it greater.
    digits.parse::<f64>().map_or(f64::MAX, |digits| digits * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_autoscalers_own_tolerance_goes_before_the_flag() {
        let behavior: Behavior = serde_json::from_str(r#"{"scaleUp":{"tolerance":"50m"},"scaleDown":{}}"#).unwrap();
        let mut settings = Settings::default();
        assert_eq!(Tolerance::of(Some(&behavior), &settings), Tolerance { up: 0.05, down: 0.1 });
        assert_eq!(Tolerance::of(None, &settings), Tolerance { up: 0.1, down: 0.1 });
        settings.gates.configurable_tolerance = false;
        assert_eq!(Tolerance::of(Some(&behavior), &settings), Tolerance { up: 0.1, down: 0.1 });
    }

    #[test]
    fn both_ends_of_the_band_belong_to_it() {
        let band = Tolerance { up: 0.1, down: 0.2 };
        for (ratio, holds) in [(1.1, true), (1.11, false), (0.8, true), (0.79, false), (f64::NAN, false), (f64::INFINITY, false)]
        {
            assert_eq!(band.holds(ratio), holds, "{ratio}");
        }
    }

    #[test]
    fn quantities_become_doubles() {
        for (text, expected) in [("0.08", 0.08), ("80m", 0.08), ("0", 0.0), ("2", 2.0), ("500u", 0.0005), ("3k", 3000.0)] {
            assert_eq!(approximate(text.parse().unwrap()).to_bits(), f64::to_bits(expected), "{text}");
        }
    }
}
