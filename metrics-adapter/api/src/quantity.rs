//! Kubernetes quantities, exact: a whole number of billionths and the form in which it was written. No float is inside, and
//! none goes in or out; programs that hold floats decide themselves how to round them.

use std::cmp::Ordering;
use std::fmt;

use serde::de::{Error as DeError, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod parse;

/// Billionths in one: the finest step that Kubernetes keeps.
const NANO: i128 = 1_000_000_000;
/// Billionths in a thousandth.
const NANO_PER_MILLI: i128 = 1_000_000;
/// Kubernetes caps every quantity at the greatest 64-bit integer.
const MAX_NANO: i128 = i64::MAX as i128 * NANO;

/// An amount such as `100`, `501484m`, `5k`, `50Mi` or `1e3`. Equality and order go by the amount, not by its form.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quantity {
    nano: i128,
    format: Format,
}

/// The family of suffixes in which a quantity is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Format {
    /// `n u m k M G T P E`.
    #[default]
    DecimalSi,
    /// `Ki Mi Gi Ti Pi Ei`.
    BinarySi,
    /// `e3`, `e-3`.
    DecimalExponent,
}

/// A text that is no quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a quantity: {reason}")]
pub struct ParseQuantityError {
    text: String,
    reason: &'static str,
}

impl Quantity {
    /// Zero.
    pub const ZERO: Self = Self { nano: 0, format: Format::DecimalSi };

    /// Reads every form that Kubernetes reads. Digits beyond billionths round away from zero, and amounts beyond the
    /// greatest 64-bit integer are capped to it, as Kubernetes does.
    ///
    /// # Errors
    /// The text is no quantity.
    pub fn parse(text: &str) -> Result<Self, ParseQuantityError> {
        parse::parse(text).map_err(|reason| ParseQuantityError { text: text.chars().take(SHOWN).collect(), reason })
    }

    /// This many thousandths.
    #[must_use]
    pub const fn from_milli(milli: i64) -> Self {
        Self { nano: milli as i128 * NANO_PER_MILLI, format: Format::DecimalSi }
    }

    /// This many ones.
    #[must_use]
    pub const fn from_units(units: i64) -> Self {
        Self { nano: units as i128 * NANO, format: Format::DecimalSi }
    }

    /// The amount in thousandths. What lies between rounds away from zero, as Go's `MilliValue` does; an amount too great
    /// for 64 bits becomes the greatest (Go's wraps around, which no caller can want).
    #[must_use]
    pub fn milli_value(self) -> i64 {
        saturated(div_away_from_zero(self.nano, NANO_PER_MILLI))
    }

    /// The amount in ones, rounded away from zero, as Go's `Value` does.
    #[must_use]
    pub fn value(self) -> i64 {
        saturated(div_away_from_zero(self.nano, NANO))
    }
}

/// Characters of a wrong text that an error repeats.
const SHOWN: usize = 64;

fn saturated(amount: i128) -> i64 {
    i64::try_from(amount).unwrap_or(if amount < 0 { i64::MIN } else { i64::MAX })
}

const fn div_away_from_zero(amount: i128, step: i128) -> i128 {
    let whole = amount / step;
    if amount % step == 0 { whole } else { whole + amount.signum() }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nano == other.nano
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nano.cmp(&other.nano)
    }
}

/// Suffixes of powers of a thousand, from 10^-9 to 10^18.
const DECIMAL_SUFFIXES: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
/// Suffixes of powers of 1024.
const BINARY_SUFFIXES: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

impl fmt::Display for Quantity {
    /// The canonical form: no fraction, and the greatest suffix that allows that.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nano == 0 {
            return out.write_str("0");
        }
        // Binary suffixes cannot write fractions and would not shorten small numbers: both print as decimal.
        let binary = self.format == Format::BinarySi && self.nano % NANO == 0 && self.nano.abs() >= 1024 * NANO;
        let (mut number, step) = if binary { (self.nano / NANO, 1024) } else { (self.nano, 1000) };
        let longest = if binary { BINARY_SUFFIXES.len() } else { DECIMAL_SUFFIXES.len() } - 1;
        let mut power = 0;
        while number % step == 0 && power < longest {
            number /= step;
            power += 1;
        }
        match (binary, self.format) {
            (true, _) => write!(out, "{number}{}", BINARY_SUFFIXES[power]),
            // Power 3 is 10^0, which has no exponent to write.
            (false, Format::DecimalExponent) if power != 3 => write!(out, "{number}e{}", power as i32 * 3 - 9),
            (false, _) => write!(out, "{number}{}", DECIMAL_SUFFIXES[power]),
        }
    }
}

impl std::str::FromStr for Quantity {
    type Err = ParseQuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuantityVisitor)
    }
}

/// Quantities are strings, but people write bare numbers in YAML and Kubernetes takes them.
struct QuantityVisitor;

impl Visitor<'_> for QuantityVisitor {
    type Value = Quantity;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a quantity such as \"100\", \"500m\" or \"2Gi\"")
    }

    fn visit_str<E: DeError>(self, text: &str) -> Result<Quantity, E> {
        Quantity::parse(text).map_err(E::custom)
    }

    fn visit_i64<E: DeError>(self, number: i64) -> Result<Quantity, E> {
        Ok(Quantity::from_units(number))
    }

    fn visit_u64<E: DeError>(self, number: u64) -> Result<Quantity, E> {
        self.visit_str(&number.to_string())
    }

    /// Through the shortest decimal that names the float, which is what stood in the document.
    fn visit_f64<E: DeError>(self, number: f64) -> Result<Quantity, E> {
        self.visit_str(&number.to_string())
    }
}

#[cfg(test)]
mod tests;
