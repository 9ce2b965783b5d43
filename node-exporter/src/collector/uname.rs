//! Names of kernel and machine, from uname(2).

use std::ffi::CStr;

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::Host;
use crate::metric::{Kind, Page};

struct Uname;

/// Makes the collector.
pub fn new(_host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Uname))
}

impl Collector for Uname {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let names = rustix::system::uname();
        let text = CStr::to_string_lossy;
        let family =
            page.family("node_uname_info", "Labeled system information as provided by the uname system call.", Kind::Gauge);
        page.sample(
            family,
            &[
                ("domainname", &text(names.domainname())),
                ("machine", &text(names.machine())),
                ("nodename", &text(names.nodename())),
                ("release", &text(names.release())),
                ("sysname", &text(names.sysname())),
                ("version", &text(names.version())),
            ],
            1.0,
        );
        Ok(())
    }
}
