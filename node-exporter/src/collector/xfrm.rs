//! IPsec in the kernel: `/proc/net/xfrm_stat`, lines such as `XfrmInError 1`.

use super::{Collector, Error, Made, Malformed, number};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

/// Key, family and help; all count up.
const COUNTERS: [(&str, &str, &str); 28] = [
    ("XfrmInError", "node_xfrm_in_error_packets_total", "All errors not matched by other"),
    ("XfrmInBufferError", "node_xfrm_in_buffer_error_packets_total", "No buffer is left"),
    ("XfrmInHdrError", "node_xfrm_in_hdr_error_packets_total", "Header error"),
    (
        "XfrmInNoStates",
        "node_xfrm_in_no_states_packets_total",
        "No state is found i.e. Either inbound SPI, address, or IPsec protocol at SA is wrong",
    ),
    (
        "XfrmInStateProtoError",
        "node_xfrm_in_state_proto_error_packets_total",
        "Transformation protocol specific error e.g. SA key is wrong",
    ),
    ("XfrmInStateModeError", "node_xfrm_in_state_mode_error_packets_total", "Transformation mode specific error"),
    ("XfrmInStateSeqError", "node_xfrm_in_state_seq_error_packets_total", "Sequence error i.e. Sequence number is out of window"),
    ("XfrmInStateExpired", "node_xfrm_in_state_expired_packets_total", "State is expired"),
    (
        "XfrmInStateMismatch",
        "node_xfrm_in_state_mismatch_packets_total",
        "State has mismatch option e.g. UDP encapsulation type is mismatch",
    ),
    ("XfrmInStateInvalid", "node_xfrm_in_state_invalid_packets_total", "State is invalid"),
    (
        "XfrmInTmplMismatch",
        "node_xfrm_in_tmpl_mismatch_packets_total",
        "No matching template for states e.g. Inbound SAs are correct but SP rule is wrong",
    ),
    (
        "XfrmInNoPols",
        "node_xfrm_in_no_pols_packets_total",
        "No policy is found for states e.g. Inbound SAs are correct but no SP is found",
    ),
    ("XfrmInPolBlock", "node_xfrm_in_pol_block_packets_total", "Policy discards"),
    ("XfrmInPolError", "node_xfrm_in_pol_error_packets_total", "Policy error"),
    ("XfrmOutError", "node_xfrm_out_error_packets_total", "All errors which is not matched others"),
    ("XfrmOutBundleGenError", "node_xfrm_out_bundle_gen_error_packets_total", "Bundle generation error"),
    ("XfrmOutBundleCheckError", "node_xfrm_out_bundle_check_error_packets_total", "Bundle check error"),
    ("XfrmOutNoStates", "node_xfrm_out_no_states_packets_total", "No state is found"),
    ("XfrmOutStateProtoError", "node_xfrm_out_state_proto_error_packets_total", "Transformation protocol specific error"),
    ("XfrmOutStateModeError", "node_xfrm_out_state_mode_error_packets_total", "Transformation mode specific error"),
    ("XfrmOutStateSeqError", "node_xfrm_out_state_seq_error_packets_total", "Sequence error i.e. Sequence number overflow"),
    ("XfrmOutStateExpired", "node_xfrm_out_state_expired_packets_total", "State is expired"),
    ("XfrmOutPolBlock", "node_xfrm_out_pol_block_packets_total", "Policy discards"),
    ("XfrmOutPolDead", "node_xfrm_out_pol_dead_packets_total", "Policy is dead"),
    ("XfrmOutPolError", "node_xfrm_out_pol_error_packets_total", "Policy error"),
    ("XfrmFwdHdrError", "node_xfrm_fwd_hdr_error_packets_total", "Forward routing of a packet is not allowed"),
    ("XfrmOutStateInvalid", "node_xfrm_out_state_invalid_packets_total", "State is invalid, perhaps expired"),
    ("XfrmAcquireError", "node_xfrm_acquire_error_packets_total", "State hasn’t been fully acquired before use"),
];

struct Xfrm {
    file: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Xfrm { file: host.proc("net/xfrm_stat") }))
}

impl Collector for Xfrm {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let (text, path) = self.file.text()?;
        let counts = parse(text).map_err(|malformed| malformed.of(path))?;
        for ((_, name, help), count) in COUNTERS.into_iter().zip(counts) {
            page.single(name, help, Kind::Counter, count);
        }
        Ok(())
    }
}

// In the order of the table; 0 for what this kernel does not count, as in upstream.
fn parse(text: &str) -> Result<[f64; COUNTERS.len()], Malformed> {
    let mut counts = [0.0; COUNTERS.len()];
    for (index, line) in text.lines().enumerate() {
        let mut fields = line.split_ascii_whitespace();
        let Some(at) = fields.next().and_then(|key| COUNTERS.iter().position(|counter| counter.0 == key)) else { continue };
        counts[at] = number::<i64>(fields.next(), index + 1)? as f64;
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unknown_lines_are_passed_over() {
        let counts = parse("XfrmInError \t 5\nXfrmNewThing 7\n\nXfrmAcquireError 9\n").unwrap();
        assert_eq!((counts[0], counts[1], counts[COUNTERS.len() - 1]), (5.0, 0.0, 9.0));
        assert_eq!(parse("\nXfrmInError x\n").unwrap_err().line, 2);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)(Xfrm(InError|OutPolDead) +[0-9]{0,30}\n){0,4}.*") {
            let _any = parse(&text);
        }
    }
}
