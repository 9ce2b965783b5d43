//! How well the kernel's clock is kept: adjtimex(2), asked without changing anything, which some sandboxes refuse all the same.

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::{Host, adjtimex};
use crate::metric::{Kind, Page};

/// The clock is not kept by anything: TIME_ERROR.
const UNSYNCHRONIZED: i32 = 5;
/// Offset and jitter are nanoseconds: STA_NANO.
const NANOSECONDS: i32 = 0x2000;
const NANO: f64 = 1_000_000_000.0;
const MICRO: f64 = 1_000_000.0;
/// Frequencies are parts per million with 16 bits after the point.
const PPM: f64 = 1_000_000.0 * 65_536.0;

/// Family, help and kind, in the order of [`Clock::values`].
const FAMILIES: [(&str, &str, Kind); 17] = [
    ("node_timex_sync_status", "Is clock synchronized to a reliable server (1 = yes, 0 = no).", Kind::Gauge),
    ("node_timex_offset_seconds", "Time offset in between local system and reference clock.", Kind::Gauge),
    ("node_timex_frequency_adjustment_ratio", "Local clock frequency adjustment.", Kind::Gauge),
    ("node_timex_maxerror_seconds", "Maximum error in seconds.", Kind::Gauge),
    ("node_timex_estimated_error_seconds", "Estimated error in seconds.", Kind::Gauge),
    ("node_timex_status", "Value of the status array bits.", Kind::Gauge),
    ("node_timex_loop_time_constant", "Phase-locked loop time constant.", Kind::Gauge),
    ("node_timex_tick_seconds", "Seconds between clock ticks.", Kind::Gauge),
    ("node_timex_pps_frequency_hertz", "Pulse per second frequency.", Kind::Gauge),
    ("node_timex_pps_jitter_seconds", "Pulse per second jitter.", Kind::Gauge),
    ("node_timex_pps_shift_seconds", "Pulse per second interval duration.", Kind::Gauge),
    ("node_timex_pps_stability_hertz", "Pulse per second stability, average of recent frequency changes.", Kind::Gauge),
    ("node_timex_pps_jitter_total", "Pulse per second count of jitter limit exceeded events.", Kind::Counter),
    ("node_timex_pps_calibration_total", "Pulse per second count of calibration intervals.", Kind::Counter),
    ("node_timex_pps_error_total", "Pulse per second count of calibration errors.", Kind::Counter),
    ("node_timex_pps_stability_exceeded_total", "Pulse per second count of stability limit exceeded events.", Kind::Counter),
    ("node_timex_tai_offset_seconds", "International Atomic Time (TAI) offset.", Kind::Gauge),
];

struct Timex;

/// Makes the collector.
pub fn new(_host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Timex))
}

impl Collector for Timex {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let (state, clock) = match adjtimex::read() {
            Ok(answer) => answer,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(Error::NoData("this process may not ask for the state of the clock"));
            }
            Err(source) => return Err(Error::System { call: "adjtimex", source }),
        };
        for ((name, help, kind), value) in FAMILIES.into_iter().zip(values(state, &clock)) {
            page.single(name, help, kind, value);
        }
        Ok(())
    }
}

fn values(state: i32, clock: &libc::timex) -> [f64; FAMILIES.len()] {
    let fine = if clock.status & NANOSECONDS == 0 { MICRO } else { NANO };
    [
        f64::from(u8::from(state != UNSYNCHRONIZED)),
        clock.offset as f64 / fine,
        1.0 + clock.freq as f64 / PPM,
        clock.maxerror as f64 / MICRO,
        clock.esterror as f64 / MICRO,
        f64::from(clock.status),
        clock.constant as f64,
        clock.tick as f64 / MICRO,
        clock.ppsfreq as f64 / PPM,
        clock.jitter as f64 / fine,
        f64::from(clock.shift),
        clock.stabil as f64 / PPM,
        clock.jitcnt as f64,
        clock.calcnt as f64,
        clock.errcnt as f64,
        clock.stbcnt as f64,
        f64::from(clock.tai),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_follow_the_status() {
        let mut answer = adjtimex::blank();
        (answer.offset, answer.freq, answer.maxerror, answer.tick) = (1500, 65_536, 2000, 10_000);
        let shown = values(UNSYNCHRONIZED, &answer);
        assert_eq!((shown[0], shown[1], shown[2], shown[3], shown[7]), (0.0, 0.0015, 1.000_001, 0.002, 0.01));
        answer.status = NANOSECONDS | 1;
        let shown = values(0, &answer);
        assert_eq!((shown[0], shown[1], shown[5]), (1.0, 0.000_001_5, 8193.0));
    }
}
