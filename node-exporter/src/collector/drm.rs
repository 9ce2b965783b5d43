//! Graphics cards of AMD: `class/drm/card*/device` in sysfs, one number or word a file.

use super::{Collector, Error, Made};
use crate::flag::Flags;
use crate::host::{Device, Devices, Host, Presence};
use crate::metric::{Kind, Page};

/// Family, help and file.
const NUMBERS: [(&str, &str, &str); 7] = [
    ("node_drm_gpu_busy_percent", "How busy the GPU is as a percentage.", "device/gpu_busy_percent"),
    (
        "node_drm_memory_gtt_size_bytes",
        "The size of the graphics translation table (GTT) block in bytes.",
        "device/mem_info_gtt_total",
    ),
    (
        "node_drm_memory_gtt_used_bytes",
        "The used amount of the graphics translation table (GTT) block in bytes.",
        "device/mem_info_gtt_used",
    ),
    ("node_drm_memory_vis_vram_size_bytes", "The size of visible VRAM in bytes.", "device/mem_info_vis_vram_total"),
    ("node_drm_memory_vis_vram_used_bytes", "The used amount of visible VRAM in bytes.", "device/mem_info_vis_vram_used"),
    ("node_drm_memory_vram_size_bytes", "The size of VRAM in bytes.", "device/mem_info_vram_total"),
    ("node_drm_memory_vram_used_bytes", "The used amount of VRAM in bytes.", "device/mem_info_vram_used"),
];
const FILES: [&str; 11] = [
    NUMBERS[0].2,
    NUMBERS[1].2,
    NUMBERS[2].2,
    NUMBERS[3].2,
    NUMBERS[4].2,
    NUMBERS[5].2,
    NUMBERS[6].2,
    "device/uevent",
    "device/mem_info_vram_vendor",
    "device/power_dpm_force_performance_level",
    "device/unique_id",
];

struct Drm {
    cards: Devices,
}

/// Makes the collector.
pub fn new(host: &Host, _flags: &Flags) -> Made {
    Ok(Box::new(Drm { cards: Devices::new(host, "class/drm", &FILES) }))
}

impl Collector for Drm {
    fn collect(&mut self, host: &Host, page: &mut Page) -> Result<(), Error> {
        self.cards.refresh(host, is_card)?;
        let info = page.family("node_drm_card_info", "Card information", Kind::Gauge);
        let families = NUMBERS.map(|(name, help, _)| page.family(name, help, Kind::Gauge));
        for Device { name, files, .. } in self.cards.shown() {
            let (numbers, words) = files.split_at_mut(NUMBERS.len());
            let [driver, memory, level, unique] = words else { continue };
            if !driver.word().is_some_and(|text| text.contains("DRIVER=amdgpu")) {
                continue;
            }
            let labels = [
                ("card", name.as_str()),
                ("memory_vendor", memory.word().unwrap_or_default()),
                ("power_performance_level", level.word().unwrap_or_default()),
                ("unique_id", unique.word().unwrap_or_default()),
                ("vendor", "amd"),
            ];
            page.sample(info, &labels, 1.0);
            for (family, file) in families.into_iter().zip(numbers) {
                // What the card does not tell counts as 0, as in upstream.
                page.sample(family, &[("card", name)], file.value::<u64>().unwrap_or_default() as f64);
            }
        }
        Ok(())
    }

    // A card that sleeps is woken up to answer.
    fn may_block(&self) -> bool {
        true
    }

    fn presence(&self, host: &Host) -> Option<(Presence, Option<&'static str>)> {
        Some((Presence::in_directories(host, &["class/drm"]), None))
    }
}

// `card0`, and neither its connectors (`card0-DP-1`) nor its other faces (`renderD128`).
fn is_card(name: &str) -> bool {
    name.strip_prefix("card").is_some_and(|number| number.len() == 1 && number.bytes().all(|digit| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connectors_are_no_cards() {
        for (name, expected) in [("card0", true), ("card0-DP-1", false), ("renderD128", false), ("card", false)] {
            assert_eq!(is_card(name), expected, "{name}");
        }
    }
}
