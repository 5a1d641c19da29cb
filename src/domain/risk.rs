//! The Risk Gate: tells whether a text asks for something the marketplace will not carry.
//!
//! A text is read twice: as it stands, and as somebody may have disguised it (digits and symbols for letters, capitals
//! of other alphabets for their Latin look). A reading is one string of letters without any separator, and beside it
//! what stood between each two letters. One Aho-Corasick pass over the letters finds every phrase, however its letters
//! were spaced; the separators then tell a phrase from an accident such as `rapist` in `therapist`. The time is linear
//! in the length of the text.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use aho_corasick::{AhoCorasick, BuildError, Match};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// The rules, compiled. Build it once; it is immutable and may be shared between threads.
#[derive(Debug)]
pub struct RiskGate {
    automaton: AhoCorasick,
    /// By pattern number of the automaton, and so in the order of their categories.
    phrases: Vec<Phrase>,
    categories: Vec<String>,
}

#[derive(Debug)]
struct Phrase {
    reading: Reading,
    category: usize,
}

/// Why a set of rules cannot be compiled.
#[derive(Debug)]
pub enum RiskRuleError {
    /// The category's name is empty or has characters other than `a`–`z`, `0`–`9` and `_`. Clients are told this name.
    CategoryName { category: String },
    /// The phrase has no letter and no digit, so it would match everywhere or nowhere.
    EmptyPhrase { category: String, phrase: String },
    /// All phrases together are too large for one automaton.
    TooLarge(BuildError),
}

impl RiskRuleError {
    /// The category at fault, if it is one.
    pub fn category(&self) -> Option<&str> {
        match self {
            Self::CategoryName { category } | Self::EmptyPhrase { category, .. } => Some(category),
            Self::TooLarge(_) => None,
        }
    }
}

impl fmt::Display for RiskRuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CategoryName { category } => {
                write!(f, "the category name {category:?} must consist of a-z, 0-9 and _")
            }
            Self::EmptyPhrase { category, phrase } => {
                write!(f, "the phrase {phrase:?} of category {category} must have a letter or a digit")
            }
            Self::TooLarge(_) => write!(f, "the phrases of all categories together are too many"),
        }
    }
}

impl Error for RiskRuleError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::TooLarge(source) => Some(source),
            Self::CategoryName { .. } | Self::EmptyPhrase { .. } => None,
        }
    }
}

impl RiskGate {
    /// Compiles phrases by category. A category without phrases blocks nothing.
    ///
    /// # Errors
    ///
    /// [`RiskRuleError`] names the category and phrase that cannot be compiled.
    pub fn new(rules: &BTreeMap<String, Vec<String>>) -> Result<Self, RiskRuleError> {
        let mut phrases = Vec::new();
        for (category, (name, texts)) in rules.iter().enumerate() {
            check_category_name(name)?;
            for text in texts {
                let reading = Reading::as_written(text);
                if reading.letters.is_empty() {
                    return Err(RiskRuleError::EmptyPhrase { category: name.clone(), phrase: text.clone() });
                }
                phrases.push(Phrase { reading, category });
            }
        }
        let automaton = AhoCorasick::new(phrases.iter().map(|phrase| &phrase.reading.letters)).map_err(RiskRuleError::TooLarge)?;
        Ok(Self { automaton, phrases, categories: rules.keys().cloned().collect() })
    }

    /// The first category, in the order of their names, that any of the texts falls under. Each text is judged on its
    /// own: a phrase never spans two of them.
    pub fn check(&self, texts: &[&str]) -> Option<&str> {
        let category = texts.iter().filter_map(|text| self.category_of(text)).min()?;
        self.categories.get(category).map(String::as_str)
    }

    fn category_of(&self, text: &str) -> Option<usize> {
        let written = fold(text, Capitals::AsLetters);
        let undisguised = read_leetspeak(&fold(text, Capitals::AsShapes));
        let disguised = (undisguised != written).then(|| Reading::of_folded(&undisguised));
        [Some(Reading::of_folded(&written)), disguised].into_iter().flatten().filter_map(|reading| self.category_in(&reading)).min()
    }

    fn category_in(&self, text: &Reading) -> Option<usize> {
        self.automaton
            .find_overlapping_iter(&text.letters)
            .filter_map(|found| {
                let phrase = self.phrases.get(found.pattern().as_usize())?;
                text.holds(found, &phrase.reading).then_some(phrase.category)
            })
            .min()
    }
}

fn check_category_name(name: &str) -> Result<(), RiskRuleError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(plain) {
        return Err(RiskRuleError::CategoryName { category: name.to_owned() });
    }
    Ok(())
}

/// A text without its separators, which stand beside it.
#[derive(Debug)]
struct Reading {
    letters: String,
    /// What stood before each byte of `letters`, and after the last one.
    gaps: Vec<Gap>,
}

/// What stood between two letters, or between a letter and the end of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// Nothing: the letters belong to one word.
    None,
    /// White space, or the end of the text: the letters belong to two words.
    Space,
    /// Punctuation without white space: two words (`buy-a-gun`), or one that was cut up (`co.caine`).
    Punctuation,
    /// Any separator between two words of a single letter: two words, or one that was spelled out (`g u n`).
    Spelled,
}

impl Reading {
    fn as_written(text: &str) -> Self {
        Self::of_folded(&fold(text, Capitals::AsLetters))
    }

    fn of_folded(folded: &str) -> Self {
        let mut reading = Self { letters: String::with_capacity(folded.len()), gaps: Vec::with_capacity(folded.len()) };
        let mut last_word_is_single = false;
        for (word, spaced) in words(folded) {
            let is_single = word.chars().nth(1).is_none();
            reading.gaps.push(if reading.letters.is_empty() {
                Gap::Space
            } else if is_single && last_word_is_single {
                Gap::Spelled
            } else if spaced {
                Gap::Space
            } else {
                Gap::Punctuation
            });
            reading.letters.push_str(word);
            reading.gaps.resize(reading.letters.len(), Gap::None);
            last_word_is_single = is_single;
        }
        reading.gaps.push(Gap::Space);
        reading
    }

    /// Whether what the automaton found is the phrase, word for word.
    fn holds(&self, found: Match, phrase: &Self) -> bool {
        let (Some(gaps), Some(inner)) = (self.gaps.get(found.start()..=found.end()), phrase.gaps.get(1..phrase.letters.len())) else {
            return false;
        };
        let has_many_words = inner.iter().any(|gap| *gap != Gap::None);
        // One word spelled out inside a longer one (`T H E R A P I S T`) is an accident; several are not.
        let may_end_phrase = |gap: &Gap| match gap {
            Gap::None => false,
            Gap::Space | Gap::Punctuation => true,
            Gap::Spelled => has_many_words,
        };
        let (Some(before), Some(after)) = (gaps.first(), gaps.last()) else {
            return false;
        };
        may_end_phrase(before)
            && may_end_phrase(after)
            && gaps.iter().skip(1).zip(inner).all(|(gap, in_phrase)| match gap {
                Gap::None => *in_phrase == Gap::None,
                Gap::Space => *in_phrase != Gap::None,
                Gap::Punctuation | Gap::Spelled => true,
            })
    }
}

/// The words of a folded text, each with whether white space stands before it.
fn words(folded: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut spaced = false;
    folded.split_inclusive(|c: char| !c.is_alphanumeric()).filter_map(move |piece| {
        let word = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
        let spaced_before = spaced;
        let spaced_after = piece.ends_with(char::is_whitespace);
        spaced = spaced_after || (spaced && word.is_empty());
        (!word.is_empty()).then_some((word, spaced_before))
    })
}

/// How a capital of another alphabet is read where its look and its small letter's look differ (Greek Η is η, and looks
/// like H).
#[derive(Clone, Copy)]
enum Capitals {
    /// As its small letter, so that rules in that alphabet are blind to case.
    AsLetters,
    /// As the Latin letter it looks like.
    AsShapes,
}

/// Lower case, without accents and invisible characters, look-alikes of Latin letters replaced by these. Separators stay.
///
/// The decomposing normal form is used: it is NFKC with the marks apart, so that they can be dropped.
fn fold(text: &str, capitals: Capitals) -> String {
    if text.is_ascii() {
        // Nothing in it is decomposed, marked, hidden, or of another alphabet.
        return text.chars().map(|c| look(c.to_ascii_lowercase())).collect();
    }
    let mut folded = String::with_capacity(text.len());
    for decomposed in text.nfkd().filter(|c| !is_hidden(*c)) {
        let seen = match capitals {
            Capitals::AsLetters => decomposed,
            Capitals::AsShapes => shape_of_capital(decomposed),
        };
        for lower in letter_of_symbol(seen).to_lowercase().filter(|c| !is_combining_mark(*c)) {
            match spelled_out(lower) {
                Some(letters) => folded.extend(letters.chars().map(look)),
                None => folded.push(look(lower)),
            }
        }
    }
    folded
}

/// Characters that are not seen by themselves: marks on other letters, and what Unicode calls default-ignorable. Not the
/// zero-width space: it parts words, so it is left to be judged like punctuation.
fn is_hidden(c: char) -> bool {
    !c.is_ascii()
        && (is_combining_mark(c)
            || matches!(c,
                '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200c}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
                | '\u{fff0}'..='\u{fff8}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'))
}

/// Letters drawn as symbols that NFKC leaves alone: circled and squared white letters, and regional indicators.
fn letter_of_symbol(c: char) -> char {
    const ALPHABETS_FROM: [u32; 3] = [0x1_F150, 0x1_F170, 0x1_F1E6];
    ALPHABETS_FROM.iter().find_map(|first| char::from_digit(10 + u32::from(c).checked_sub(*first).filter(|n| *n < 26)?, 36)).unwrap_or(c)
}

fn shape_of_capital(c: char) -> char {
    match c {
        'Η' => 'h',
        'Λ' => 'a',
        'Μ' => 'm',
        'Ν' => 'n',
        'Σ' => 'e',
        'Υ' => 'y',
        _ => c,
    }
}

fn spelled_out(c: char) -> Option<&'static str> {
    match c {
        'ß' => Some("ss"),
        'æ' => Some("ae"),
        'œ' => Some("oe"),
        'ю' => Some("io"),
        _ => None,
    }
}

/// The Latin letter that a small letter of another alphabet, or an ornate Latin one, looks like. `l` counts as `i`: in
/// capitals or small letters the two are drawn alike in most fonts, and so is the digit 1.
#[rustfmt::skip]
fn look(c: char) -> char {
    match c {
        'а' | 'α' | 'ɑ' | 'ᴀ' | 'ա' => 'a',
        'в' | 'ь' | 'β' | 'ʙ' | 'ƀ' | 'ɓ' | 'ƃ' => 'b',
        'с' | 'ϲ' | 'ᴄ' | 'ƈ' | 'ȼ' | 'ς' => 'c',
        'ԁ' | 'đ' | 'ɗ' | 'ɖ' | 'ᴅ' | 'ð' => 'd',
        'е' | 'э' | 'є' | 'з' | 'ε' | 'ɛ' | 'ə' | 'ᴇ' | 'ҽ' => 'e',
        'ғ' | 'ƒ' | 'ꜰ' | 'ϝ' => 'f',
        'ԍ' | 'ɡ' | 'ɢ' | 'ɠ' | 'ց' => 'g',
        'н' | 'һ' | 'ħ' | 'ʜ' | 'ɦ' | 'հ' => 'h',
        'l' | 'і' | 'ӏ' | 'ι' | 'ı' | 'ɩ' | 'ɪ' | 'ł' | 'ʟ' | 'ɭ' | 'ƚ' | 'ⅼ' | 'ǀ' | 'ן' => 'i',
        'ј' | 'ϳ' | 'ᴊ' | 'ʝ' | 'յ' => 'j',
        'к' | 'κ' | 'ᴋ' | 'ƙ' | 'қ' => 'k',
        'м' | 'ᴍ' | 'ɱ' => 'm',
        'п' | 'и' | 'η' | 'ɴ' | 'ŋ' | 'ո' | 'ɲ' => 'n',
        'о' | 'ο' | 'σ' | 'ø' | 'ɵ' | 'ᴏ' | 'օ' | 'ө' => 'o',
        'р' | 'ρ' | 'ᴘ' | 'þ' | 'ƥ' => 'p',
        'ԛ' | 'զ' | 'ɋ' => 'q',
        'г' | 'я' | 'ʀ' | 'ɾ' | 'ɽ' => 'r',
        'ѕ' | 'ꜱ' | 'ʂ' | 'ƨ' => 's',
        'т' | 'τ' | 'ᴛ' | 'ŧ' | 'ƭ' => 't',
        'μ' | 'υ' | 'ц' | 'ʊ' | 'ᴜ' | 'ս' => 'u',
        'ѵ' | 'ν' | 'ʋ' | 'ᴠ' => 'v',
        'ѡ' | 'ԝ' | 'ш' | 'ω' | 'ᴡ' => 'w',
        'х' | 'χ' | 'ҳ' => 'x',
        'у' | 'γ' | 'ү' | 'ʏ' | 'ƴ' => 'y',
        'ᴢ' | 'ƶ' | 'ʐ' | 'ζ' => 'z',
        _ => c,
    }
}

/// Replaces digits and symbols by the letters they stand for, in words that have a letter: `c0ca1ne` is cocaine, but 47
/// stays a number, and a symbol that ends a word is punctuation.
fn read_leetspeak(folded: &str) -> String {
    let not_alphanumeric = |c: char| !c.is_alphanumeric();
    let mut read = String::with_capacity(folded.len());
    for piece in folded.split_inclusive(|c: char| not_alphanumeric(c) && leet_letter(c) == c) {
        let word = piece.trim_end_matches(not_alphanumeric);
        let rest = piece.chars().skip(word.chars().count());
        if word.contains(char::is_alphabetic) {
            read.extend(word.chars().map(leet_letter));
        } else {
            read.push_str(word);
        }
        read.extend(rest);
    }
    read
}

fn leet_letter(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' | '|' | '£' => 'i',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        '6' | '9' => 'g',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(rules: &[(&str, &[&str])]) -> RiskGate {
        RiskGate::new(&rule_map(rules)).unwrap()
    }

    fn rule_map(rules: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        rules.iter().map(|(category, phrases)| ((*category).to_owned(), phrases.iter().map(|p| (*p).to_owned()).collect())).collect()
    }

    fn sample() -> RiskGate {
        gate(&[
            ("drugs", &["cocaine", "sell meth", "купить мефедрон", "ηρωίνη"]),
            ("violence", &["assassinate", "rapist", "kill someone", "break someone's legs", "ass"]),
            ("weapons", &["buy a gun", "ak-47", "ak47"]),
        ])
    }

    #[track_caller]
    fn assert_category(texts: &[&str], category: Option<&str>) {
        assert_eq!(sample().check(texts), category, "{texts:?}");
    }

    #[test]
    fn a_phrase_is_found_wherever_it_stands() {
        for text in ["buy a gun", "Please BUY A Gun today", "(buy a gun)", "a\n\nbuy\ta  gun", "buy a gun, now", "buy a gun's"] {
            assert_category(&[text], Some("weapons"));
        }
    }

    #[test]
    fn disguises_make_no_difference() {
        for text in [
            "ｂｕｙ　ａ　ｇｕｎ",
            "b\u{200d}u\u{200b}y a g\u{feff}u\u{2060}n",
            "buy\u{200b}a\u{200b}gun",
            "bu\u{ad}y a gu\u{34f}n",
            "buу а gun",
            "BUY А GUN",
            "bυy α gυn",
            "BUΥ A GUΝ",
            "bùÿ á gůn̈",
            "b̶u̶y̶ a̶ g̶u̶n̶",
            "bUy A gUn",
            "buy-a-gun",
            "buy_a_gun",
            "buy...a...gun",
            "buy, a - gun!",
            "bu.y a g*un",
            "𝐛𝐮𝐲 𝓪 𝔤𝔲𝔫",
            "ⓑⓤⓨ ⓐ ⓖⓤⓝ",
            "🅑🅤🅨 🅐 🅖🅤🅝",
            "🅱🆄🆈 🅰 🅶🆄🅽",
            "🇧🇺🇾 🇦 🇬🇺🇳",
            "ʙᴜʏ ᴀ ɢᴜɴ",
            "8uy a 9un",
            "\u{202e}buy a gun\u{202c}",
        ] {
            assert_category(&[text], Some("weapons"));
        }
        for text in ["c0ca1ne", "C0CAІNE", "c.o.c.a.i.n.e", "co-caine", "c0c@ine!", "сосаіпе", "cocalne", "COCAlNE", "cоcаinе"] {
            assert_category(&[text], Some("drugs"));
        }
        for text in ["K1LL someone", "ki11 s0meone", "k!ll $omeone", "kıll someone", "break someone’s legs", "a$$a$$inate"] {
            assert_category(&[text], Some("violence"));
        }
    }

    #[test]
    fn spelled_out_letters_are_put_together() {
        for text in ["b u y  a  g u n", "b u y a g u n", "buy a g u n", "I w a n t t o b u y a g u n n o w", "b-u-y a g.u.n"] {
            assert_category(&[text], Some("weapons"));
        }
        assert_category(&["I need c o c a i n e tonight"], Some("drugs"));
    }

    #[test]
    fn a_phrase_matches_whole_words_only() {
        for text in [
            "class assistant",
            "grass, assess, embassy",
            "therapist",
            "T H E R A P I S T  N E E D E D",
            "the rap is the best",
            "buy a gunnysack",
            "rebuy a gun",
            "buya gun",
            "buy agun",
            "gun a buy",
            "buy a",
            "gun",
            "assassinated",
            "sell me the bike",
            "",
            " \u{200b}…",
        ] {
            assert_category(&[text], None);
        }
    }

    #[test]
    fn numbers_are_numbers_unless_letters_stand_beside_them() {
        assert_category(&["buy 4 gun racks"], None);
        assert_category(&["an ak-47"], Some("weapons"));
        assert_category(&["an AK 47"], Some("weapons"));
        assert_category(&["an AK47"], Some("weapons"));
    }

    #[test]
    fn rules_in_other_alphabets_are_blind_to_case() {
        assert_category(&["Хочу КУПИТЬ Мефедрон"], Some("drugs"));
        assert_category(&["ΗΡΩΙΝΗ"], Some("drugs"));
        assert_category(&["Straße"], None);
        assert_eq!(gate(&[("x", &["strasse"])]).check(&["STRAẞE, Straße"]), Some("x"));
    }

    #[test]
    fn texts_are_judged_apart() {
        assert_category(&["buy a", "gun"], None);
        assert_category(&["harmless", "buy a gun"], Some("weapons"));
        assert_category(&[], None);
    }

    #[test]
    fn the_first_category_by_name_is_told() {
        assert_category(&["buy a gun, kill someone"], Some("violence"));
        assert_category(&["buy a gun", "kill someone", "sell m3th"], Some("drugs"));
    }

    #[test]
    fn overlapping_phrases_do_not_hide_each_other() {
        let gate = gate(&[("a", &["one two three four"]), ("b", &["two three"]), ("c", &["two"])]);
        assert_eq!(gate.check(&["one two three five"]), Some("b"));
        assert_eq!(gate.check(&["two"]), Some("c"));
    }

    #[test]
    fn rules_that_cannot_work_are_refused() {
        let error = RiskGate::new(&rule_map(&[("drugs", &["ok", " -\u{200b}- "])])).unwrap_err();
        assert_eq!(error.category(), Some("drugs"));
        assert!(error.to_string().contains("must have a letter"), "{error}");
        for name in ["", "Drugs", "drugs.hard", "a b"] {
            assert!(matches!(RiskGate::new(&rule_map(&[(name, &[])])), Err(RiskRuleError::CategoryName { .. })), "{name}");
        }
    }

    #[test]
    fn no_rules_block_nothing() {
        assert_eq!(RiskGate::new(&BTreeMap::new()).unwrap().check(&["buy a gun", ""]), None);
        assert_eq!(gate(&[("weapons", &[])]).check(&["buy a gun"]), None);
    }

    #[test]
    fn adversarial_texts_get_an_answer() {
        let zalgo = format!("g{}un", "\u{301}\u{323}".repeat(2_500));
        let texts = [
            "a".repeat(5_000),
            "a ".repeat(2_500),
            "buy a gu ".repeat(555),
            "\u{fdfa}".repeat(5_000),
            "$".repeat(5_000),
            "\u{200d}".repeat(5_000),
            "b u y a g u m ".repeat(357),
            zalgo,
        ];
        for text in &texts {
            assert_category(&[text], None);
        }
        let hidden = format!("{} buy a gun {}", "x y ".repeat(600), "İ ".repeat(600));
        assert_category(&[&hidden], Some("weapons"));
    }
}
