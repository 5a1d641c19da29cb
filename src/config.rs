//! The configuration: `humans2ai.toml`, the environment and `--set` flags become one typed [`Config`].
//!
//! This is the only reader of the server's environment (which server a client's command talks to, and as whom, is the command
//! line's to say: `cli::client`). The embedded `humans2ai.toml` is the first layer and says which keys
//! there are and of what type; each further layer is checked against it by itself, so that an error can say where the
//! key came from, and is then laid over the ones before.

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use log::LevelFilter;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::{Table, Value};

use crate::domain::actor::Mode;
use crate::domain::risk::{RiskGate, RiskRuleError};

const DEFAULTS: &str = include_str!("../humans2ai.toml");
const DEFAULT_FILE: &str = "humans2ai.toml";
const VARIABLE_PREFIX: &str = "HUMANS2AI_";
/// Names the configuration file, as `--config` does; the flag goes first.
const FILE_VARIABLE: &str = "HUMANS2AI_CONFIG";
/// The server that the commands of a client talk to, and the tests; no business of the server itself.
const CLIENT_VARIABLE: &str = "HUMANS2AI_URL";
/// What a fixture has unless it is told otherwise.
const FIXTURE: [(&str, &str); 1] = [("rate_limits.enabled", "false")];
/// The table whose keys stand in the environment without a table's name.
const UNPREFIXED_TABLE: &str = "server";
/// The one table with keys of the operator's own.
const FREE_TABLE: &str = "risk_gate.rules";

/// Every setting of the server, checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: ServerConfig,
    pub platform: PlatformConfig,
    pub wallet: WalletConfig,
    pub referral: ReferralConfig,
    pub tasks: TasksConfig,
    pub rate_limits: RateLimits,
    pub webhooks: WebhooksConfig,
    pub risk_gate: RiskGateConfig,
    pub mcp: McpConfig,
    pub store: StoreConfig,
    pub log: LogConfig,
}

impl Config {
    /// Where clients reach the server, without a slash at its end.
    pub fn client_url(&self) -> String {
        match self.server.public_url.trim_end_matches('/') {
            "" => format!("http://{}", self.server.listen),
            url => url.to_owned(),
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Port 0 takes any free port.
    pub listen: SocketAddr,
    pub mode: Mode,
    /// Not empty; relative to the working directory.
    pub data: PathBuf,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<TrustedProxy>,
    /// An `http` or `https` URL, or empty: then clients reach the server under `listen`.
    pub public_url: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformConfig {
    /// Hundredths of a per cent, 0–10 000.
    pub fee_bps: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalletConfig {
    /// Whole A9, at most 10⁹.
    pub test_grant: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferralConfig {
    /// Whole A9, at most 10⁹.
    pub bonus_live: u32,
    /// Whole A9, at most 10⁹.
    pub bonus_test: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TasksConfig {
    /// 0–8 760.
    pub review_hours: u32,
    /// 0–8 760.
    pub dispute_hours: u32,
    /// 1–3 650.
    pub max_deadline_days: u32,
}

/// Requests an hour by class, 1 to 10⁹ each.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimits {
    pub enabled: bool,
    pub task_reads: u32,
    pub task_creation: u32,
    pub wallet: u32,
    pub messages: u32,
    /// Per API key.
    pub mcp: u32,
    /// Per client address.
    pub mcp_ip: u32,
    pub webhooks: u32,
    pub api_keys: u32,
    pub default: u32,
    register: u32,
    login: u32,
}

impl RateLimits {
    /// Registrations an hour and client address, on a server of this mode.
    pub fn register(&self, mode: Mode) -> u32 {
        configured_or(self.register, mode, 5)
    }

    /// Logins an hour and client address, on a server of this mode.
    pub fn login(&self, mode: Mode) -> u32 {
        configured_or(self.login, mode, 20)
    }
}

fn configured_or(configured: u32, mode: Mode, live: u32) -> u32 {
    const TEST: u32 = 1_000;
    match (configured, mode) {
        (0, Mode::Live) => live,
        (0, Mode::Test) => TEST,
        (limit, _) => limit,
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhooksConfig {
    /// Seconds before each retry, at most 10 entries of at most a day.
    pub retry_delays: Vec<u32>,
    /// 1–300.
    pub timeout_seconds: u32,
    /// 1–300.
    pub connect_timeout_seconds: u32,
    /// Addresses that are not public, yet may receive live webhooks.
    pub allow: Vec<AddressRange>,
    /// 1–3 650.
    pub keep_days: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskGateConfig {
    pub enabled: bool,
    /// Phrases by category; [`RiskGate::new`] is known to accept them.
    pub rules: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpConfig {
    pub extended: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// Writes in one commit, 1–10 000.
    pub max_batch: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// The least serious message that is logged.
    #[serde(deserialize_with = "level_filter")]
    pub level: LevelFilter,
}

fn level_filter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LevelFilter, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// A peer whose word on the client's address is believed.
pub type TrustedProxy = AddressRange;

/// An IP address, or all addresses of a network in CIDR notation. An IPv4 address and its IPv6-mapped form are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct AddressRange {
    /// IPv4 in its IPv6-mapped form, so that one comparison serves both.
    network: u128,
    /// Of 128 bits, 0–128.
    prefix_bits: u32,
}

impl AddressRange {
    pub fn contains(&self, address: IpAddr) -> bool {
        let differing = self.network ^ mapped_bits(address);
        differing.checked_shr(u128::BITS - self.prefix_bits).unwrap_or(0) == 0
    }
}

fn mapped_bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// A text that is neither an IP address nor a CIDR network.
#[derive(Debug)]
pub struct AddressRangeError {
    text: String,
}

impl fmt::Display for AddressRangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no IP address and no CIDR network such as 10.0.0.0/8", self.text)
    }
}

impl Error for AddressRangeError {}

impl FromStr for AddressRange {
    type Err = AddressRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_range(text).ok_or_else(|| AddressRangeError { text: text.to_owned() })
    }
}

impl TryFrom<String> for AddressRange {
    type Error = AddressRangeError;

    fn try_from(text: String) -> Result<Self, AddressRangeError> {
        text.parse()
    }
}

fn parse_range(text: &str) -> Option<AddressRange> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let prefix: u32 = prefix.map_or(Some(width), |digits| digits.parse().ok())?;
    let prefix_bits = (prefix <= width).then_some(prefix + u128::BITS - width)?;
    Some(AddressRange { network: mapped_bits(address), prefix_bits })
}

/// Where the configuration comes from, beside the embedded defaults. A later kind goes before an earlier one: file,
/// environment, flags.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    file: Option<PathBuf>,
    fixture: bool,
    env: Vec<(OsString, OsString)>,
    sets: Vec<(String, String)>,
}

impl Layers {
    /// The file named on the command line, which then must exist. Without one, `HUMANS2AI_CONFIG` may name it, and
    /// without that `humans2ai.toml` in the working directory is used if it is there.
    #[must_use]
    pub fn file(mut self, file: Option<&Path>) -> Self {
        self.file = file.map(Path::to_owned);
        self
    }

    /// For a fixture, whose own values go before those of a file that nobody named: it is of a server in earnest.
    #[must_use]
    pub(crate) fn fixture(mut self) -> Self {
        self.fixture = true;
        self
    }

    /// Environment variables; those without the prefix `HUMANS2AI_` are left alone.
    #[must_use]
    pub fn env(mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        self.env.extend(variables.into_iter().filter(|(name, _)| name.as_encoded_bytes().starts_with(VARIABLE_PREFIX.as_bytes())));
        self
    }

    /// The environment of this process.
    #[must_use]
    pub fn process_env(self) -> Self {
        self.env(std::env::vars_os())
    }

    /// Pairs of a dotted key and its value, as `--set` has them; of two for one key the later counts. A value is read
    /// as TOML and, where it is none or the key takes a string, as that string.
    #[must_use]
    pub fn sets(mut self, pairs: &[(String, String)]) -> Self {
        self.sets.extend_from_slice(pairs);
        self
    }
}

/// Where a key was set, for the one who has to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    File(PathBuf),
    Variable(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "in {}", path.display()),
            Self::Variable(name) => write!(f, "in the environment, as {name}"),
            Self::Flag(key) => write!(f, "on the command line, as --set {key}"),
        }
    }
}

/// Why the configuration cannot be used. The text names key, place and remedy, for the one who starts the server.
#[derive(Debug)]
pub enum ConfigError {
    /// The configuration file cannot be read, or was named and is not there.
    Unreadable { path: PathBuf, source: io::Error },
    /// The configuration file is no TOML.
    Syntax { path: PathBuf, source: toml::de::Error },
    /// The variable's name or value is no UTF-8.
    NotUnicode { variable: String },
    /// There is no such key; `key` and `nearest` are spelled as one writes them at the origin.
    UnknownKey { key: String, origin: Origin, nearest: Option<String> },
    /// The value has the wrong type or is out of range.
    InvalidValue { key: String, origin: Origin, rule: String, found: String },
    /// The Risk Gate cannot work with a category or phrase.
    RiskRule { origin: Origin, source: RiskRuleError },
    /// The defaults, the checks and the types here are at odds: a bug.
    Inconsistent { source: toml::de::Error },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, source } => write!(f, "cannot read the configuration file {}: {source}", path.display()),
            Self::Syntax { path, source } => write!(f, "the configuration file {} is not valid TOML: {source}", path.display()),
            Self::NotUnicode { variable } => {
                write!(f, "the environment variable {variable} is not valid UTF-8")
            }
            Self::UnknownKey { key, origin, nearest } => {
                write!(f, "unknown configuration key {key} ({origin}); ")?;
                match nearest {
                    Some(nearest) => write!(f, "did you mean {nearest}?"),
                    None => write!(f, "remove it"),
                }
            }
            Self::InvalidValue { key, origin, rule, found } => write!(f, "{key} must be {rule}, not {found} ({origin})"),
            Self::RiskRule { origin, source } => {
                write!(f, "{FREE_TABLE}")?;
                if let Some(category) = source.category() {
                    write!(f, ".{category}")?;
                }
                write!(f, ": {source} ({origin})")
            }
            Self::Inconsistent { source } => {
                write!(f, "the configuration passed its checks and yet does not fit: {source}")
            }
        }
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            Self::Syntax { source, .. } | Self::Inconsistent { source } => Some(source),
            Self::RiskRule { source, .. } => Some(source),
            Self::NotUnicode { .. } | Self::UnknownKey { .. } | Self::InvalidValue { .. } => None,
        }
    }
}

impl Config {
    /// Reads, checks and merges all layers.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], at the first key that is unknown or has a value it cannot take.
    pub fn load(layers: &Layers) -> Result<Self, ConfigError> {
        let known = defaults()?;
        let mut merged = known.clone();
        for (origin, table) in read_layers(layers, &known)? {
            check_table(&table, &known, "", &origin)?;
            check_risk_rules(&table, &origin)?;
            lay_over(&mut merged, table);
        }
        merged.try_into().map_err(|source| ConfigError::Inconsistent { source })
    }
}

fn defaults() -> Result<Table, ConfigError> {
    DEFAULTS.parse().map_err(|source| ConfigError::Inconsistent { source })
}

fn read_layers(layers: &Layers, known: &Table) -> Result<Vec<(Origin, Table)>, ConfigError> {
    let variables = decode_variables(&layers.env)?;
    let mut read = Vec::from_iter(read_file(layers.file.as_deref(), &variables)?);
    if layers.fixture {
        let is_named = layers.file.is_some() || variables.iter().any(|(name, _)| *name == FILE_VARIABLE);
        let place = if is_named { 0 } else { read.len() };
        let values = FIXTURE.map(|(key, text)| (Origin::Flag(key.to_owned()), table_of(key, read_value(key, text, known))));
        read.splice(place..place, values);
    }
    for (name, text) in variables {
        if name != FILE_VARIABLE && name != CLIENT_VARIABLE {
            read.push(read_variable(name, text, known)?);
        }
    }
    for (key, text) in &layers.sets {
        read.push((Origin::Flag(key.clone()), table_of(key, read_value(key, text, known))));
    }
    Ok(read)
}

/// Sorted by name, so that a table's own variable comes before those of its keys whatever the environment's order.
fn decode_variables(env: &[(OsString, OsString)]) -> Result<Vec<(&str, &str)>, ConfigError> {
    let mut variables = env
        .iter()
        .map(|(name, value)| match (name.to_str(), value.to_str()) {
            (Some(name), Some(value)) => Ok((name, value)),
            _ => Err(ConfigError::NotUnicode { variable: name.to_string_lossy().into_owned() }),
        })
        .collect::<Result<Vec<_>, _>>()?;
    variables.sort_unstable();
    Ok(variables)
}

fn read_file(flag: Option<&Path>, variables: &[(&str, &str)]) -> Result<Option<(Origin, Table)>, ConfigError> {
    let variable = variables.iter().find(|(name, _)| *name == FILE_VARIABLE).map(|(_, path)| Path::new(*path));
    let named = flag.or(variable);
    let path = named.unwrap_or(Path::new(DEFAULT_FILE)).to_owned();
    match std::fs::read_to_string(&path) {
        Ok(text) => match text.parse() {
            Ok(table) => Ok(Some((Origin::File(path), table))),
            Err(source) => Err(ConfigError::Syntax { path, source }),
        },
        Err(missing) if missing.kind() == io::ErrorKind::NotFound && named.is_none() => Ok(None),
        Err(source) => Err(ConfigError::Unreadable { path, source }),
    }
}

fn read_variable(name: &str, text: &str, known: &Table) -> Result<(Origin, Table), ConfigError> {
    let origin = Origin::Variable(name.to_owned());
    let key = key_of(name);
    // One spelling for each key: HUMANS2AI_SERVER__MODE and HUMANS2AI_mode could contradict HUMANS2AI_MODE.
    if variable_of(&key) != name {
        return Err(unknown_key(&key, &origin));
    }
    Ok((origin, table_of(&key, read_value(&key, text, known))))
}

fn key_of(variable: &str) -> String {
    let name = variable.strip_prefix(VARIABLE_PREFIX).unwrap_or(variable).to_lowercase();
    if name.contains("__") { name.replace("__", ".") } else { format!("{UNPREFIXED_TABLE}.{name}") }
}

fn variable_of(key: &str) -> String {
    let name = match key.split_once('.') {
        Some((UNPREFIXED_TABLE, rest)) => rest,
        _ => key,
    };
    format!("{VARIABLE_PREFIX}{}", name.replace('.', "__").to_uppercase())
}

/// A key that takes a string gets the text itself unless it is a quoted string: a file may well be named `2026`.
fn read_value(key: &str, text: &str, known: &Table) -> Value {
    let as_text = || Value::String(text.to_owned());
    match text.parse() {
        Ok(Value::String(quoted)) => Value::String(quoted),
        Ok(_) if find(known, key).is_some_and(Value::is_str) => as_text(),
        Ok(value) => value,
        Err(_) => as_text(),
    }
}

fn find<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        Some((first, rest)) => find(table.get(first)?.as_table()?, rest),
        None => table.get(key),
    }
}

fn table_of(key: &str, value: Value) -> Table {
    match key.split_once('.') {
        Some((first, rest)) => Table::from_iter([(first.to_owned(), Value::Table(table_of(rest, value)))]),
        None => Table::from_iter([(key.to_owned(), value)]),
    }
}

fn lay_over(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => lay_over(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

/// Refuses keys that the defaults do not have, values of another type than theirs, and values against [`RULES`].
fn check_table(table: &Table, known: &Table, path: &str, origin: &Origin) -> Result<(), ConfigError> {
    for (name, value) in table {
        let key = join(path, name);
        match (known.get(name), value) {
            (Some(Value::Table(known)), Value::Table(table)) => {
                check_table(table, known, &key, origin)?;
            }
            (Some(example), _) => check_value(value, example, &key, origin)?,
            (None, _) if path == FREE_TABLE => {
                check_value(value, &Value::Array(Vec::new()), &key, origin)?;
            }
            (None, _) => return Err(unknown_key(&key, origin)),
        }
    }
    Ok(())
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn unknown_key(key: &str, origin: &Origin) -> ConfigError {
    let (written, nearest) = match origin {
        Origin::File(_) => (key, nearest_key(key)),
        Origin::Flag(written) => (written.as_str(), nearest_key(key)),
        // A whole table has no variable; each of its keys has one.
        Origin::Variable(written) => {
            (written.as_str(), nearest_key(key).filter(|nearest| nearest.contains('.')).as_deref().map(variable_of))
        }
    };
    ConfigError::UnknownKey { key: written.to_owned(), origin: origin.clone(), nearest }
}

fn check_value(value: &Value, example: &Value, key: &str, origin: &Origin) -> Result<(), ConfigError> {
    let broken_rule = if value.same_type(example) {
        rule_for(key).filter(|rule| !rule.allows(value)).map(Rule::to_string)
    } else {
        Some(name_of_type(example).to_owned())
    };
    match broken_rule {
        Some(rule) => Err(ConfigError::InvalidValue { key: key.to_owned(), origin: origin.clone(), rule, found: describe(value) }),
        None => Ok(()),
    }
}

fn name_of_type(example: &Value) -> &'static str {
    match example {
        Value::String(_) => "a string",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date or time",
        Value::Array(_) => "an array such as [\"a\", \"b\"] or [1, 2]",
        Value::Table(_) => "a table",
    }
}

fn describe(value: &Value) -> String {
    const ENOUGH: usize = 80;
    match value {
        Value::Table(_) => "a table".to_owned(),
        _ => value.to_string().chars().take(ENOUGH).collect(),
    }
}

fn check_risk_rules(table: &Table, origin: &Origin) -> Result<(), ConfigError> {
    let Some(Value::Table(rules)) = find(table, FREE_TABLE) else {
        return Ok(());
    };
    let rules = rules.clone().try_into().map_err(|source| ConfigError::Inconsistent { source })?;
    match RiskGate::new(&rules) {
        Ok(_) => Ok(()),
        Err(source) => Err(ConfigError::RiskRule { origin: origin.clone(), source }),
    }
}

/// What a value must be beyond its type.
enum Rule {
    Whole(RangeInclusive<i64>),
    WholeList { most: usize, each: RangeInclusive<i64> },
    Text(fn(&str) -> bool, &'static str),
    TextList(fn(&str) -> bool, &'static str),
}

const A9: RangeInclusive<i64> = 0..=1_000_000_000;
const HOURS: RangeInclusive<i64> = 0..=8_760;
const DAYS: RangeInclusive<i64> = 1..=3_650;
const TIMEOUT_SECONDS: RangeInclusive<i64> = 1..=300;
const REQUESTS: RangeInclusive<i64> = 1..=1_000_000_000;
const REQUESTS_OR_OF_MODE: RangeInclusive<i64> = 0..=1_000_000_000;
const ADDRESS_RANGE: &str = "an IP address or a CIDR network such as \"10.0.0.0/8\"";

#[rustfmt::skip]
const RULES: &[(&str, Rule)] = &[
    ("server.listen", Rule::Text(is::<SocketAddr>, "an IP address and a port such as \"127.0.0.1:8080\"")),
    ("server.mode", Rule::Text(|text| matches!(text, "test" | "live"), "\"test\" or \"live\"")),
    ("server.data", Rule::Text(is_database_path, "the path of a file")),
    ("server.trusted_proxies", Rule::TextList(is::<TrustedProxy>, ADDRESS_RANGE)),
    ("server.public_url", Rule::Text(is_public_url, "empty or a URL such as \"https://market.example\"")),
    ("platform.fee_bps", Rule::Whole(0..=10_000)),
    ("wallet.test_grant", Rule::Whole(A9)),
    ("referral.bonus_live", Rule::Whole(A9)),
    ("referral.bonus_test", Rule::Whole(A9)),
    ("tasks.review_hours", Rule::Whole(HOURS)),
    ("tasks.dispute_hours", Rule::Whole(HOURS)),
    ("tasks.max_deadline_days", Rule::Whole(DAYS)),
    ("rate_limits.register", Rule::Whole(REQUESTS_OR_OF_MODE)),
    ("rate_limits.login", Rule::Whole(REQUESTS_OR_OF_MODE)),
    ("rate_limits.*", Rule::Whole(REQUESTS)),
    ("webhooks.retry_delays", Rule::WholeList { most: 10, each: 0..=86_400 }),
    ("webhooks.timeout_seconds", Rule::Whole(TIMEOUT_SECONDS)),
    ("webhooks.connect_timeout_seconds", Rule::Whole(TIMEOUT_SECONDS)),
    ("webhooks.allow", Rule::TextList(is::<AddressRange>, ADDRESS_RANGE)),
    ("webhooks.keep_days", Rule::Whole(DAYS)),
    ("risk_gate.rules.*", Rule::TextList(|_| true, "a phrase")),
    ("store.max_batch", Rule::Whole(1..=10_000)),
    ("log.level", Rule::Text(is::<LevelFilter>, "\"off\", \"error\", \"warn\", \"info\", \"debug\" or \"trace\"")),
];

/// The rule of the key itself, or of all keys of its table.
fn rule_for(key: &str) -> Option<&'static Rule> {
    let of_table = key.rsplit_once('.').map(|(table, _)| format!("{table}.*"));
    RULES.iter().find(|(name, _)| *name == key || of_table.as_deref() == Some(*name)).map(|(_, rule)| rule)
}

impl Rule {
    /// Whether a value of the right type is allowed; booleans always are.
    fn allows(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Whole(range), Value::Integer(number)) => range.contains(number),
            (Self::WholeList { most, each }, Value::Array(entries)) => {
                entries.len() <= *most && entries.iter().all(|entry| entry.as_integer().is_some_and(|number| each.contains(&number)))
            }
            (Self::Text(holds, _), Value::String(text)) => holds(text),
            (Self::TextList(holds, _), Value::Array(entries)) => entries.iter().all(|entry| entry.as_str().is_some_and(holds)),
            (_, Value::Boolean(_)) => true,
            _ => false,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(range) => write!(f, "a whole number from {} to {}", range.start(), range.end()),
            Self::WholeList { most, each } => {
                write!(f, "a list of at most {most} whole numbers from {} to {}", each.start(), each.end())
            }
            Self::Text(_, expected) => f.write_str(expected),
            Self::TextList(_, expected) => write!(f, "a list in which each entry is {expected}"),
        }
    }
}

fn is<T: FromStr>(text: &str) -> bool {
    text.parse::<T>().is_ok()
}

/// To `SQLite`, the empty name and `:memory:` are databases that are gone when the server stops, and one for each
/// connection; `file:` begins a URI.
fn is_database_path(text: &str) -> bool {
    !text.is_empty() && !text.starts_with(':') && !text.starts_with("file:") && !text.contains('\0')
}

fn is_public_url(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let has_host = host.is_some_and(|host| !host.is_empty() && !host.starts_with('/'));
    text.is_empty() || (has_host && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"'))
}

/// The known key or table most like this one, if one is like it at all. The right name in the wrong table counts.
fn nearest_key(key: &str) -> Option<String> {
    let mut names = Vec::new();
    collect_keys(&defaults().ok()?, "", &mut names);
    names
        .into_iter()
        .map(|name| {
            let whole = edits_between(key, &name);
            let elsewhere = edits_between(last_part(key), &name).min(edits_between(last_part(key), last_part(&name)));
            (whole.min(elsewhere + 1), whole, name)
        })
        .min()
        .filter(|(edits, _, _)| *edits <= 3 && *edits < last_part(key).len())
        .map(|(_, _, name)| name)
}

fn last_part(key: &str) -> &str {
    key.rsplit_once('.').map_or(key, |(_, last)| last)
}

fn collect_keys(table: &Table, path: &str, names: &mut Vec<String>) {
    for (name, value) in table {
        let key = join(path, name);
        if let Value::Table(table) = value {
            collect_keys(table, &key, names);
        }
        names.push(key);
    }
}

/// Levenshtein's distance.
fn edits_between(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, from) in one.chars().enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        let mut next = vec![left];
        for (to, up) in other.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(from != *to)).min(left + 1).min(up + 1);
            diagonal = *up;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs<T: for<'a> From<&'a str>>(pairs: &[(&str, &str)]) -> Vec<(T, T)> {
        pairs.iter().map(|(key, value)| (T::from(key), T::from(value))).collect()
    }

    fn with_file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mine.toml");
        std::fs::write(&path, text).unwrap();
        (directory, path)
    }

    fn load(file: &str, env: &[(&str, &str)], sets: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let (_directory, path) = with_file(file);
        Config::load(&Layers::default().file(Some(&path)).env(pairs(env)).sets(&pairs(sets)))
    }

    #[track_caller]
    fn assert_refused(result: Result<Config, ConfigError>, parts: &[&str]) {
        let text = result.unwrap_err().to_string();
        for part in parts {
            assert!(text.contains(part), "{part:?} is not in {text:?}");
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let config = load("", &[], &[]).unwrap();
        assert_eq!(config.server.listen, "127.0.0.1:8080".parse().unwrap());
        assert_eq!((config.server.mode, config.server.data), (Mode::Test, PathBuf::from("humans2ai.db")));
        assert_eq!((config.platform.fee_bps, config.wallet.test_grant), (1, 10_000));
        assert_eq!((config.referral.bonus_live, config.referral.bonus_test), (0, 10));
        assert_eq!((config.tasks.review_hours, config.tasks.dispute_hours), (72, 72));
        assert_eq!(config.rate_limits.task_reads, 2_000);
        assert_eq!(config.webhooks.retry_delays, [5, 10, 20]);
        assert_eq!((config.store.max_batch, config.log.level), (256, LevelFilter::Info));
        assert!(config.rate_limits.enabled && config.risk_gate.enabled && !config.mcp.extended);
    }

    #[test]
    fn the_defaults_keep_their_own_rules() {
        let known = defaults().unwrap();
        check_table(&known, &known, "", &Origin::Flag(String::new())).unwrap();
    }

    #[test]
    fn every_default_but_switches_has_a_rule_and_every_rule_a_default() {
        let known = defaults().unwrap();
        let mut keys = Vec::new();
        collect_keys(&known, "", &mut keys);
        for key in &keys {
            let free = matches!(find(&known, key), Some(Value::Table(_) | Value::Boolean(_)));
            assert!(free || rule_for(key).is_some(), "{key} has no rule");
        }
        for (name, _) in RULES {
            let known = find(&known, name.trim_end_matches(".*"));
            assert!(known.is_some(), "{name} is no key");
        }
    }

    #[test]
    fn every_default_is_explained() {
        let unexplained: Vec<_> = DEFAULTS
            .lines()
            .zip(DEFAULTS.lines().skip(1))
            .filter(|(above, line)| line.contains(" = ") && !line.starts_with(['#', ' ']) && !above.starts_with('#'))
            .collect();
        assert!(unexplained.is_empty(), "{unexplained:?}");
    }

    #[test]
    fn a_flag_goes_before_the_environment_the_file_and_the_defaults() {
        let file = "[tasks]\nreview_hours = 1\ndispute_hours = 1\nmax_deadline_days = 1";
        let env = [("HUMANS2AI_TASKS__REVIEW_HOURS", "2"), ("HUMANS2AI_TASKS__DISPUTE_HOURS", "2")];
        let tasks = load(file, &env, &[("tasks.review_hours", "3"), ("tasks.review_hours", "4")]).unwrap().tasks;
        assert_eq!((tasks.review_hours, tasks.dispute_hours, tasks.max_deadline_days), (4, 2, 1));
    }

    #[test]
    fn a_category_of_its_own_variable_goes_before_the_whole_tables() {
        let one = ("HUMANS2AI_RISK_GATE__RULES__DRUGS", "[]");
        let all = ("HUMANS2AI_RISK_GATE__RULES", "{ drugs = [\"tea\"], siege = [\"ram\"] }");
        for env in [[one, all], [all, one]] {
            let rules = load("", &env, &[]).unwrap().risk_gate.rules;
            assert!(rules["drugs"].is_empty() && rules["siege"] == ["ram"]);
        }
    }

    #[test]
    fn the_environment_names_server_keys_without_their_table() {
        let config = load(
            "",
            &[
                ("HUMANS2AI_MODE", "live"),
                ("HUMANS2AI_LISTEN", "[::1]:0"),
                ("HUMANS2AI_DATA", "2026"),
                ("HUMANS2AI_PUBLIC_URL", "https://market.example"),
                ("HUMANS2AI_TRUSTED_PROXIES", r#"["10.0.0.0/8"]"#),
                ("HUMANS2AI_RATE_LIMITS__ENABLED", "false"),
                ("HUMANS2AI_RISK_GATE__RULES__DRUGS", "[]"),
                ("HUMANS2AI_URL", "http://elsewhere"),
                ("PATH", "/bin"),
            ],
            &[],
        )
        .unwrap();
        assert_eq!((config.server.mode, config.server.data), (Mode::Live, PathBuf::from("2026")));
        assert_eq!(config.server.listen, "[::1]:0".parse().unwrap());
        assert_eq!(config.server.public_url, "https://market.example");
        assert!(config.server.trusted_proxies[0].contains("10.1.2.3".parse().unwrap()));
        assert!(!config.rate_limits.enabled);
        assert!(config.risk_gate.rules["drugs"].is_empty());
    }

    #[test]
    fn a_named_file_must_be_there_and_the_default_one_need_not() {
        let nowhere = Path::new("/nowhere/humans2ai.toml");
        assert_refused(Config::load(&Layers::default().file(Some(nowhere))), &["cannot read", "/nowhere/humans2ai.toml"]);
        let variable = pairs(&[("HUMANS2AI_CONFIG", "/nowhere/by/variable.toml")]);
        assert_refused(Config::load(&Layers::default().env(variable)), &["/nowhere/by/variable.toml"]);
        assert!(Config::load(&Layers::default()).is_ok());
    }

    #[test]
    fn the_files_flag_goes_before_its_variable() {
        let (_directory, path) = with_file("[server]\nmode = \"live\"");
        let variable = pairs(&[("HUMANS2AI_CONFIG", "/nowhere.toml")]);
        let config = Config::load(&Layers::default().file(Some(&path)).env(variable)).unwrap();
        assert_eq!(config.server.mode, Mode::Live);
    }

    #[test]
    fn a_file_that_is_no_toml_is_refused_with_the_line() {
        assert_refused(load("[server]\nmode = live", &[], &[]), &["mine.toml", "line 2"]);
    }

    #[test]
    fn unknown_keys_are_named_with_their_place_and_the_nearest_key() {
        for (file, parts) in [
            ("[server]\nmod = \"live\"", ["key server.mod ", "mine.toml", "server.mode?"]),
            ("mode = \"live\"", ["key mode ", "mine.toml", "server.mode?"]),
            ("[rate_limit]\nenabled = false", ["key rate_limit ", "mine.toml", "rate_limits?"]),
            ("\"server.mode\" = \"live\"", ["key server.mode ", "mine.toml", "server.mode?"]),
            ("[zebra]", ["key zebra ", "mine.toml", "remove it"]),
        ] {
            assert_refused(load(file, &[], &[]), &parts);
        }
        for (variable, nearest) in [
            ("HUMANS2AI_MOD", "HUMANS2AI_MODE?"),
            ("HUMANS2AI_SERVER__MODE", "HUMANS2AI_MODE?"),
            ("HUMANS2AI_mode", "HUMANS2AI_MODE?"),
            ("HUMANS2AI_RATE_LIMITS_ENABLED", "HUMANS2AI_RATE_LIMITS__ENABLED?"),
            ("HUMANS2AI_RISK_GATE", "remove it"),
            ("HUMANS2AI_", "remove it"),
        ] {
            assert_refused(load("", &[(variable, "live")], &[]), &["unknown", variable, "in the environment", nearest]);
        }
        assert_refused(load("", &[], &[("tasks.reviewhours", "1")]), &["--set tasks.reviewhours", "tasks.review_hours?"]);
        for key in ["", ".", "tasks.", "tasks..review_hours"] {
            assert_refused(load("", &[], &[(key, "1")]), &["unknown configuration key", "--set"]);
        }
    }

    #[test]
    fn wrong_types_and_values_out_of_range_are_refused_with_key_and_rule() {
        for (key, value, rule) in [
            ("server.listen", "localhost:8080", "an IP address and a port"),
            ("server.mode", "prod", "\"test\" or \"live\""),
            ("server.mode", "", "\"test\" or \"live\""),
            ("server.data", "", "the path of a file"),
            ("server.data", ":memory:", "the path of a file"),
            ("server.public_url", "market.example", "a URL"),
            ("server.public_url", "https:///path", "a URL"),
            ("server.trusted_proxies", "10.0.0.1", "an array"),
            ("server.trusted_proxies", "[\"10.0.0.0/33\"]", "a CIDR network"),
            ("server.trusted_proxies", "[1]", "a CIDR network"),
            ("platform.fee_bps", "10001", "from 0 to 10000"),
            ("platform.fee_bps", "-1", "from 0 to 10000"),
            ("platform.fee_bps", "1.0", "a whole number"),
            ("platform.fee_bps", "\"1\"", "a whole number"),
            ("wallet.test_grant", "9223372036854775807", "from 0 to 1000000000"),
            ("tasks.review_hours", "8761", "from 0 to 8760"),
            ("rate_limits.enabled", "yes", "true or false"),
            ("rate_limits.wallet", "0", "from 1 to 1000000000"),
            ("webhooks.retry_delays", "[1,1,1,1,1,1,1,1,1,1,1]", "at most 10"),
            ("webhooks.retry_delays", "[\"5\"]", "whole numbers"),
            ("webhooks.allow", "[\"intranet\"]", "a CIDR network"),
            ("store.max_batch", "0", "from 1 to 10000"),
            ("log.level", "verbose", "\"debug\""),
            ("server", "1", "a table"),
            ("risk_gate.rules", "[]", "a table"),
            ("risk_gate.rules.mine", "\"x\"", "an array"),
            ("risk_gate.rules.mine", "[1]", "each entry is a phrase"),
            ("risk_gate.rules.mine", "[\"!\"]", "must have a letter"),
            ("risk_gate.rules.Mine", "[\"x\"]", "must consist of"),
        ] {
            assert_refused(load("", &[], &[(key, value)]), &[key, rule, "--set"]);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_no_unicode_is_refused() {
        use std::os::unix::ffi::OsStringExt as _;
        let variable = (OsString::from("HUMANS2AI_DATA"), OsString::from_vec(vec![0xff]));
        assert_refused(Config::load(&Layers::default().env([variable])), &["HUMANS2AI_DATA", "UTF-8"]);
    }

    #[test]
    fn a_users_category_replaces_switches_off_or_adds() {
        let file = "[risk_gate.rules]\nweapons = [\"trebuchet\"]\ndrugs = []\nsiege = [\"ram the gate\"]";
        let gate = RiskGate::new(&load(file, &[], &[]).unwrap().risk_gate.rules).unwrap();
        assert_eq!(gate.check(&["a Trebuchet"]), Some("weapons"));
        assert_eq!(gate.check(&["buy a gun"]), None);
        assert_eq!(gate.check(&["buy cocaine"]), None);
        assert_eq!(gate.check(&["ram the gate"]), Some("siege"));
        assert_eq!(gate.check(&["launder money"]), Some("money_laundering"));
    }

    #[test]
    fn register_and_login_have_limits_of_the_servers_mode() {
        let limits = load("", &[], &[]).unwrap().rate_limits;
        assert_eq!((limits.register(Mode::Live), limits.login(Mode::Live)), (5, 20));
        assert_eq!((limits.register(Mode::Test), limits.login(Mode::Test)), (1_000, 1_000));
        let limits = load("", &[], &[("rate_limits.login", "7")]).unwrap().rate_limits;
        assert_eq!((limits.login(Mode::Live), limits.login(Mode::Test)), (7, 7));
    }

    #[test]
    fn a_range_holds_its_addresses() {
        for (range, inside, outside) in [
            ("10.0.0.1", "10.0.0.1", "10.0.0.2"),
            ("10.1.2.3/8", "10.255.0.1", "11.0.0.1"),
            ("10.0.0.0/8", "::ffff:10.0.0.1", "::10.0.0.1"),
            ("0.0.0.0/0", "255.255.255.255", "2001:db8::1"),
            ("::1", "::1", "127.0.0.1"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"),
            ("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"),
        ] {
            let parsed: AddressRange = range.parse().unwrap();
            assert!(parsed.contains(inside.parse().unwrap()), "{range} {inside}");
            assert!(!parsed.contains(outside.parse().unwrap()), "{range} {outside}");
        }
        assert!("::/0".parse::<AddressRange>().unwrap().contains("1.2.3.4".parse().unwrap()));
        for text in ["", "10.0.0", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/8/8", "host", " ::1"] {
            assert!(text.parse::<AddressRange>().is_err(), "{text:?}");
        }
    }

    fn built_in_gate() -> RiskGate {
        RiskGate::new(&load("", &[], &[]).unwrap().risk_gate.rules).unwrap()
    }

    #[test]
    fn the_built_in_rules_block_the_obvious() {
        let gate = built_in_gate();
        for (text, category) in [
            ("Buy a gun and bring it to my flat", "weapons"),
            ("I need somebody to build a b0mb", "weapons"),
            ("Pick up cocaine at the station", "drugs"),
            ("Hire a hitman", "violence"),
            ("Assassinate the mayor", "violence"),
            ("k i l l  m y  w i f e", "violence"),
            ("Hack into my ex's mailbox", "credential_theft"),
            ("Collect сhild pоrn", "csam"),
            ("Help me launder money", "money_laundering"),
        ] {
            assert_eq!(gate.check(&[text]), Some(category), "{text}");
        }
    }

    #[test]
    fn the_built_in_rules_leave_honest_work_in_peace() {
        let gate = built_in_gate();
        for text in [
            "Photograph 3 coffee shops in SOMA",
            "Photograph the weapons museum and its gun collection",
            "Take photos of the Samurai sword exhibition",
            "Buy a glue gun and a nail gun at the hardware store",
            "Buy weed killer and kill the weeds in my garden",
            "Kill my zombie processes on the office server",
            "Pick up a prescription from the drugstore",
            "Interview a therapist about drug addiction and violence",
            "Proofread my thesis on the history of money laundering law",
            "Review our security awareness training on phishing and passwords",
            "Test our login page and report password problems",
            "Babysit two children and photograph a child's birthday",
            "Verify that the bank's opening hours are right",
            "Deliver a bath bomb gift set; build a bonfire",
            "Write a review of the film The Assassination of Jesse James",
            "Translate an article on the bombing of Dresden",
            "Beat the drum in our parade, then stab the balloons",
            "Clean the laundry room; launder my shirts and the money belt",
            "Class pass assistant needed in Essex, grapes and a skilled analyst",
            "Buy 4 gun racks? No: buy 4 plant racks",
        ] {
            assert_eq!(gate.check(&[text]), None, "{text}");
        }
    }
}
