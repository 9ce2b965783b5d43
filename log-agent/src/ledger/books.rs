//! Counts of lines by their fates, and of what happens besides. A line that was read is stored, dead, dropped, or in flight.

/// Why a line was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is longer than any line may be.
    TooLong,
    /// There is nothing in it.
    Empty,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 2] = [Self::TooLong, Self::Empty];

    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Empty => "empty",
        }
    }
}

/// What came of a piece of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines that went into a batch.
    pub taken: u64,
    /// Lines that were dropped, by [`Reason`].
    pub dropped: [u64; Reason::ALL.len()],
    /// Of those taken: of which some text was left out.
    pub cut: u64,
    /// Of those taken: not what their format says, shipped as they stand.
    pub malformed: u64,
    /// Bytes read from the file.
    pub bytes: u64,
}

impl Tally {
    /// One more line is dropped.
    pub const fn drop(&mut self, reason: Reason) {
        self.dropped[reason as usize] += 1;
    }
}

/// Counts since the program started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Lines read.
    pub read: u64,
    /// Lines that the sink has.
    pub stored: u64,
    /// Of those: the sink had them before.
    pub existed: u64,
    /// Lines kept as dead letters.
    pub dead: u64,
    /// Lines dropped, by [`Reason`].
    pub dropped: [u64; Reason::ALL.len()],
    /// Lines that have no fate yet.
    pub in_flight: u64,
    /// Lines of which some text was left out.
    pub cut: u64,
    /// Lines that are not what their format says.
    pub malformed: u64,
    /// Bytes read from files.
    pub read_bytes: u64,
    /// Bytes that were in a file and are gone, unread.
    pub lost_bytes: u64,
    /// Bulk requests sent.
    pub requests: u64,
    /// Of those: failed as a whole.
    pub failed_requests: u64,
    /// Items that the sink refused for now, sent again.
    pub refused_items: u64,
    /// Times that a file could not be read.
    pub read_errors: u64,
    /// Checkpoints written.
    pub checkpoints: u64,
    /// Times that the checkpoint could not be written.
    pub failed_checkpoints: u64,
}

impl Books {
    pub(super) fn take(&mut self, tally: Tally) {
        let Tally { taken, dropped, cut, malformed, bytes } = tally;
        self.read += taken + dropped.iter().sum::<u64>();
        self.in_flight += taken;
        for (total, more) in self.dropped.iter_mut().zip(dropped) {
            *total += more;
        }
        self.cut += cut;
        self.malformed += malformed;
        self.read_bytes += bytes;
    }

    pub(super) const fn stored(&mut self, lines: u64, existed: u64) {
        self.stored += lines;
        self.existed += existed;
        self.in_flight = self.in_flight.saturating_sub(lines);
    }

    pub(super) const fn dead(&mut self, lines: u64) {
        self.dead += lines;
        self.in_flight = self.in_flight.saturating_sub(lines);
    }

    /// Whether every line that was read is accounted for.
    #[must_use]
    pub fn balance(&self) -> bool {
        self.read == self.stored + self.dead + self.dropped.iter().sum::<u64>() + self.in_flight
    }
}
