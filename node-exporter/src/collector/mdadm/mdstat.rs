//! The lines of `/proc/mdstat`:
//!
//! ```text
//! md6 : active raid1 sdb2[2](F) sdc[1](S) sda2[0]
//!       195310144 blocks [2/1] [U_]
//!       [=>...................]  recovery =  8.5% (16775552/195310144) finish=17.0min speed=259783K/sec
//! ```

use super::super::{Malformed, number};

/// One array.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Array<'text> {
    pub name: &'text str,
    pub state: &'text str,
    pub active: u64,
    pub total: u64,
    pub failed: u64,
    pub spare: u64,
    pub blocks: u64,
    pub synced: u64,
}

/// What is found in the line of an ongoing repair, and the state it stands for, in the order of upstream.
const REPAIRS: [(&str, &str); 4] =
    [("recovery", "recovering"), ("reshape", "reshaping"), ("check", "checking"), ("resync", "resyncing")];

pub fn parse(text: &str) -> Result<Vec<Array<'_>>, Malformed> {
    let lines: Vec<&str> = text.lines().collect();
    let mut arrays = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let plain = line.starts_with(' ') || line.trim().is_empty();
        if plain || line.starts_with("unused") || line.starts_with("Personalities") {
            continue;
        }
        let mut fields = line.split_ascii_whitespace();
        let (Some(name), Some(_), Some(state)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(Malformed::new(index + 1, "a field is missing"));
        };
        let Some(status) = lines.get(index + 1) else {
            return Err(Malformed::new(index + 1, format!("{name} has no line of its blocks")));
        };
        let blocks = number(status.split_ascii_whitespace().next(), index + 2)?;
        let count = |mark: &str| line.matches(mark).count() as u64;
        let mut array =
            Array { name, state, failed: count("(F)"), spare: count("(S)"), blocks, synced: blocks, ..Array::default() };
        (array.active, array.total) = disks(line, status, index + 2)?;
        // A line on the bitmap may stand between.
        let after = index + 2 + usize::from(lines.get(index + 2).is_some_and(|line| line.contains("bitmap")));
        let repair = lines.get(after).copied().unwrap_or_default();
        if let Some((_, state)) = REPAIRS.iter().find(|(word, _)| repair.contains(word)) {
            array.state = state;
            array.synced = synced(repair, after + 1)?;
        }
        arrays.push(array);
    }
    Ok(arrays)
}

// Active disks and those there should be.
fn disks(device: &str, status: &str, line: usize) -> Result<(u64, u64), Malformed> {
    if device.contains("raid0") || device.contains("linear") {
        let all = device.matches('[').count() as u64;
        return Ok((all, all));
    }
    if device.contains("inactive") {
        return Ok((0, 0));
    }
    // `[2/1] [U_]`: of the brackets the first that hold a slash.
    let pair = status.split('[').skip(1).find_map(|part| part.split_once(']')?.0.split_once('/'));
    let Some((total, active)) = pair else { return Err(Malformed::new(line, "there is no number of disks such as [2/2]")) };
    Ok((number(Some(active), line)?, number(Some(total), line)?))
}

// `(16775552/195310144)`, or nothing yet while a repair waits for another.
fn synced(repair: &str, line: usize) -> Result<u64, Malformed> {
    if repair.contains("PENDING") || repair.contains("DELAYED") {
        return Ok(0);
    }
    let pair = repair.split('(').skip(1).find_map(|part| part.split_once(')')?.0.split_once('/'));
    number(pair.map(|(done, _)| done), line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_kind_of_array_is_understood() {
        let text = "Personalities : [raid1] [raid0]\n\
            md1 : active raid1 sdb1[1](F) sda1[0] sdc1[2](S)\n      1000 blocks super 1.2 [2/1] [U_]\n      [=>....]  recovery =  8.5% (85/1000) finish=1.0min speed=9K/sec\n\n\
            md2 : active raid0 sda2[0] sdb2[1]\n      2000 blocks 256k chunks\n\n\
            md3 : inactive sda3[0](S)\n      3000 blocks\n\n\
            md4 : active (auto-read-only) raid1 sda4[0] sdb4[1]\n      4000 blocks [2/2] [UU]\n      bitmap: 0/30 pages [0KB], 65536KB chunk\n      \tresync=PENDING\n\n\
            unused devices: <none>\n";
        let array = |name, state, [active, total, failed, spare, blocks, synced]: [u64; 6]| Array {
            name,
            state,
            active,
            total,
            failed,
            spare,
            blocks,
            synced,
        };
        assert_eq!(
            parse(text),
            Ok(vec![
                array("md1", "recovering", [1, 2, 1, 1, 1000, 85]),
                array("md2", "active", [2, 2, 0, 0, 2000, 2000]),
                array("md3", "inactive", [0, 0, 0, 1, 3000, 3000]),
                array("md4", "resyncing", [2, 2, 0, 0, 4000, 0]),
            ])
        );
    }

    #[test]
    fn a_bad_line_is_named() {
        for (text, line) in [
            ("md1 : active\n", 1),
            ("md1 x\n", 1),
            ("md1 : active raid1 a[0]\n x blocks\n", 2),
            ("md1 : active raid1 a[0]\n 1 blocks [x/2]\n", 2),
            ("md1 : active raid1 a[0]\n 1 blocks\n", 2),
            ("md1 : active raid1 a[0]\n 1 blocks [1/1]\n resync\n", 3),
        ] {
            assert_eq!(parse(text).unwrap_err().line, line, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)(md[0-9] : (in)?active raid1 a\\[0\\]\n +[0-9]+ blocks \\[[0-9]/.*\n +(resync|check|bitmap).*\n){0,4}.*") {
            let _any = parse(&text);
        }
    }
}
