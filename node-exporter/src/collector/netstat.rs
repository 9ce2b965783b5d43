//! Counters of the network protocols: `/proc/net/netstat` and `snmp`, pairs of lines such as `Ip: Forwarding DefaultTTL`
//! and `Ip: 1 64`; `/proc/net/snmp6`, lines such as `Icmp6InMsgs 42`.

use super::{Collector, Error, Made, Malformed, number};
use crate::filter::Pattern;
use crate::flag::{Flag, Flags};
use crate::host::{Host, Source};
use crate::metric::{Kind, Page};

static FIELDS: Flag = Flag::text(
    "collector.netstat.fields",
    "^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$",
    "Regexp of fields to return for netstat collector.",
);

/// Its flags.
pub const FLAGS: &[&Flag] = &[&FIELDS];

struct NetStat {
    tables: [Source; 2],
    snmp6: Source,
    fields: Option<Pattern>,
    // `Protocol_Field`, what the pattern is matched with.
    key: String,
}

/// Makes the collector.
pub fn new(host: &Host, flags: &Flags) -> Made {
    Ok(Box::new(NetStat {
        tables: [host.proc("net/netstat"), host.proc("net/snmp")],
        snmp6: host.proc("net/snmp6"),
        fields: Pattern::of(&FIELDS, flags.text(&FIELDS))?,
        key: String::new(),
    }))
}

impl Collector for NetStat {
    fn collect(&mut self, _host: &Host, page: &mut Page) -> Result<(), Error> {
        for table in &mut self.tables {
            let (text, path) = table.text()?;
            if text.is_empty() {
                return Err(Malformed::empty().of(path));
            }
            for field in parse_tables(text) {
                let field = field.map_err(|malformed| malformed.of(path))?;
                field.write(self.fields.as_ref(), &mut self.key, page).map_err(|malformed| malformed.of(path))?;
            }
        }
        // Kernels without IPv6 have no such file.
        let Some((text, path)) = self.snmp6.text_if_present()? else { return Ok(()) };
        for field in parse_snmp6(text) {
            field.write(self.fields.as_ref(), &mut self.key, page).map_err(|malformed| malformed.of(path))?;
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Field<'text> {
    line: usize,
    protocol: &'text str,
    name: &'text str,
    value: &'text str,
}

impl Field<'_> {
    // The value is looked at only if the field is shown: there are hundreds, and a few dozen are.
    fn write(&self, wanted: Option<&Pattern>, key: &mut String, page: &mut Page) -> Result<(), Malformed> {
        key.clear();
        key.push_str(self.protocol);
        key.push('_');
        key.push_str(self.name);
        if wanted.is_none_or(|wanted| wanted.matches(key)) {
            let value: f64 = number(Some(self.value), self.line)?;
            let family = page.family_of(&["node_netstat_", key], &["Statistic ", self.protocol, self.name, "."], Kind::Untyped);
            page.sample(family, &[], value);
        }
        Ok(())
    }
}

fn parse_tables(text: &str) -> impl Iterator<Item = Result<Field<'_>, Malformed>> {
    let mut lines = text.lines().enumerate();
    std::iter::from_fn(move || {
        let (_, names) = lines.next()?;
        // A head without its line of values is a pair that does not fit.
        let (index, values) = lines.next().unwrap_or((0, ""));
        Some((index + 1, names, values))
    })
    .flat_map(|(line, names, values)| {
        let (mut names, mut values) = (names.split_whitespace(), values.split_whitespace());
        let heads = (names.next(), values.next());
        let protocol = match heads {
            (Some(one), Some(other)) if one == other => one.strip_suffix(':'),
            _ => None,
        };
        let mut failed = protocol.is_none().then(|| Malformed::new(line, "the line does not belong to the names above it"));
        let rest = std::iter::from_fn(move || match (protocol?, names.next(), values.next()) {
            (_, None, None) => None,
            (protocol, Some(name), Some(value)) => Some(Ok(Field { line, protocol, name, value })),
            (protocol, ..) => Some(Err(Malformed::new(line, format!("{protocol}: names and values differ in number")))),
        });
        std::iter::from_fn(move || failed.take().map(Err)).chain(rest)
    })
}

fn parse_snmp6(text: &str) -> impl Iterator<Item = Field<'_>> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let mut fields = line.split_whitespace();
        let (key, value) = (fields.next()?, fields.next()?);
        let end = key.find('6')? + 1;
        Some(Field { line: index + 1, protocol: &key[..end], name: &key[end..], value })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_values_of_two_lines_belong_together() {
        let fields: Result<Vec<_>, _> = parse_tables("Ip: Forwarding DefaultTTL\nIp: 1 64\nTcp: MaxConn\nTcp: -1\n").collect();
        let field = |line, protocol, name, value| Field { line, protocol, name, value };
        assert_eq!(
            fields,
            Ok(vec![field(2, "Ip", "Forwarding", "1"), field(2, "Ip", "DefaultTTL", "64"), field(4, "Tcp", "MaxConn", "-1")])
        );
        let fields: Vec<_> = parse_snmp6("Ip6InReceives   7\nUdpLite6InErrors 8\nnone 1\nx\n").collect();
        assert_eq!(fields, [field(1, "Ip6", "InReceives", "7"), field(2, "UdpLite6", "InErrors", "8")]);
    }

    #[test]
    fn tables_that_do_not_fit_are_refused() {
        for bad in ["Ip: A\nTcp: 1\n", "Ip: A B\nIp: 1\n", "Ip: A\nIp: 1 2\n", "Ip A\nIp 1\n", "Ip: A\n", "\n\n"] {
            assert!(parse_tables(bad).any(|field| field.is_err()), "{bad:?}");
        }
    }

    #[test]
    fn a_bad_value_matters_only_where_it_is_shown() {
        let (mut page, mut key) = (Page::default(), String::new());
        let field = Field { line: 3, protocol: "Ip", name: "Forwarding", value: "x" };
        let other = Pattern::of(&FIELDS, "^Tcp_").unwrap();
        assert_eq!(field.write(other.as_ref(), &mut key, &mut page), Ok(()));
        assert_eq!(field.write(None, &mut key, &mut page).unwrap_err(), Malformed::new(3, "\"x\" is no number in range"));
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in "(?s)([A-Za-z]*:( [A-Z0-9]*)*\n){0,4}.*") {
            parse_tables(&text).take(10_000).for_each(drop);
            parse_snmp6(&text).for_each(drop);
        }
    }
}
