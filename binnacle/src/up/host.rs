//! This machine in a few numbers, read from node-exporter's own scrape as any dashboard would: sums over devices, and rates
//! between two scrapes. Pure: the text and the times are arguments.

use std::time::Duration;

/// The counters and gauges of one scrape that the page shows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// Seconds of all processors together, and those that they idled or waited for a disk.
    pub cpu_seconds: f64,
    idle_seconds: f64,
    load1: f64,
    memory_total: f64,
    memory_available: f64,
    received: f64,
    sent: f64,
    disk_read: f64,
    disk_written: f64,
    /// The exporter's own CPU time so far, in seconds.
    pub exporter_cpu_seconds: f64,
    /// Its resident memory.
    pub exporter_rss_bytes: f64,
    /// Scrapes that it has answered.
    pub scrapes: f64,
}

/// The machine over the time between two readings.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Host {
    pub cpu_percent: f64,
    pub load1: f64,
    pub memory_used: f64,
    pub memory_total: f64,
    pub net_rx: f64,
    pub net_tx: f64,
    pub disk_read: f64,
    pub disk_write: f64,
}

impl Reading {
    /// Reads the families it knows from a text exposition; what is not there is 0.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut reading = Self::default();
        for line in text.lines() {
            if let Some((series, value)) = line.rsplit_once(' ').filter(|_| !line.starts_with('#'))
                && let Ok(value) = value.parse()
            {
                reading.take(series, value);
            }
        }
        reading
    }

    fn take(&mut self, series: &str, value: f64) {
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let sum = match name {
            "node_cpu_seconds_total" => {
                if labels.contains(r#"mode="idle""#) || labels.contains(r#"mode="iowait""#) {
                    self.idle_seconds += value;
                }
                &mut self.cpu_seconds
            }
            "node_load1" => &mut self.load1,
            "node_memory_MemTotal_bytes" => &mut self.memory_total,
            "node_memory_MemAvailable_bytes" => &mut self.memory_available,
            // The stack's own traffic goes over loopback and would hide the rest.
            "node_network_receive_bytes_total" if !labels.contains(r#"device="lo""#) => &mut self.received,
            "node_network_transmit_bytes_total" if !labels.contains(r#"device="lo""#) => &mut self.sent,
            "node_disk_read_bytes_total" => &mut self.disk_read,
            "node_disk_written_bytes_total" => &mut self.disk_written,
            "process_cpu_seconds_total" => &mut self.exporter_cpu_seconds,
            "process_resident_memory_bytes" => &mut self.exporter_rss_bytes,
            "promhttp_metric_handler_requests_total" if labels.contains(r#"code="200""#) => &mut self.scrapes,
            _ => return,
        };
        *sum += value;
    }

    /// The machine since `before`, which was `elapsed` ago. A counter that fell (a device that went) counts as standing still.
    #[must_use]
    pub fn since(&self, before: &Self, elapsed: Duration) -> Host {
        let rate = |now: f64, then: f64| (now - then).max(0.0) / elapsed.as_secs_f64().max(f64::EPSILON);
        let (all, idle) = (self.cpu_seconds - before.cpu_seconds, self.idle_seconds - before.idle_seconds);
        Host {
            cpu_percent: if all > 0.0 { (100.0 * (1.0 - idle / all)).clamp(0.0, 100.0) } else { 0.0 },
            load1: self.load1,
            memory_used: self.memory_total - self.memory_available,
            memory_total: self.memory_total,
            net_rx: rate(self.received, before.received),
            net_tx: rate(self.sent, before.sent),
            disk_read: rate(self.disk_read, before.disk_read),
            disk_write: rate(self.disk_written, before.disk_written),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_devices_and_takes_rates() {
        let scrape = |idle: u32, user: u32, received: u32| {
            Reading::parse(&format!(
                "# TYPE node_cpu_seconds_total counter\nnode_cpu_seconds_total{{cpu=\"0\",mode=\"idle\"}} {idle}\n\
                 node_cpu_seconds_total{{cpu=\"1\",mode=\"user\"}} {user}\nnode_network_receive_bytes_total{{device=\"lo\"}} 9e9\n\
                 node_network_receive_bytes_total{{device=\"a\"}} {received}\nnode_network_receive_bytes_total{{device=\"b\"}} 1\n\
                 node_memory_MemTotal_bytes 100\nnode_memory_MemAvailable_bytes 60\nnode_load1 0.5\nrubbish\nnode_load1 x\n"
            ))
        };
        let host = scrape(30, 20, 501).since(&scrape(15, 15, 101), Duration::from_secs(4));
        assert_eq!((host.cpu_percent, host.net_rx, host.memory_used, host.load1), (25.0, 100.0, 40.0, 0.5));
        let fallen = scrape(30, 20, 0).since(&scrape(30, 20, 101), Duration::from_secs(1));
        assert_eq!((fallen.cpu_percent, fallen.net_rx), (0.0, 0.0));
    }
}
