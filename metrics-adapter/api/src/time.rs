//! A point in time as Kubernetes writes it (`metav1.Time`): RFC 3339 in UTC, whole seconds. It never reads a clock.

use std::fmt;

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, cut to whole seconds on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub Timestamp);

impl Time {
    /// The time `milliseconds` after the Unix epoch; times that RFC 3339 cannot write become the nearest that it can.
    #[must_use]
    pub fn from_millis(milliseconds: i64) -> Self {
        let nearest = if milliseconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Self(Timestamp::from_millisecond(milliseconds).unwrap_or(nearest))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Floor, so that a sample is never dated after it was taken.
        let millis = self.0.as_millisecond();
        let seconds = Timestamp::from_second(millis.div_euclid(1000)).unwrap_or(self.0);
        write!(out, "{seconds:.0}")
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|error| D::Error::custom(format!("'{text}' is not an RFC 3339 time: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_whole_seconds_in_utc_and_reads_any_rfc_3339() {
        let check = |millis: i64, text: &str| assert_eq!(Time::from_millis(millis).to_string(), text);
        check(0, "1970-01-01T00:00:00Z");
        check(1_795_502_400_999, "2026-11-24T06:40:00Z");
        check(-1, "1969-12-31T23:59:59Z");
        check(i64::MAX, "9999-12-30T22:00:00Z");
        let read: Time = serde_json::from_str("\"2026-11-24T07:40:00.5+01:00\"").unwrap();
        assert_eq!(read, Time::from_millis(1_795_502_400_500));
        assert!(serde_json::from_str::<Time>("\"yesterday\"").is_err());
    }
}
