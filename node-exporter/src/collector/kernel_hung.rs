//! Tasks that the kernel found hanging: `/proc/sys/kernel/hung_task_detect_count`, one number, since Linux 6.13.

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

struct KernelHung {
    file: Source,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(KernelHung { file: host.proc("sys/kernel/hung_task_detect_count") }))
}

impl Collector for KernelHung {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        let Some((text, path)) = self.file.text_if_present()? else {
            return Err(Error::NoData("the kernel does not count hung tasks"));
        };
        let count: u64 = super::number(Some(text.trim()), 1).map_err(|malformed| malformed.of(path))?;
        let help = "Total number of tasks that have been detected as hung since the system booted.";
        page.single("node_kernel_hung_tasks_total", help, Kind::Counter, count as f64);
        Ok(())
    }
}
