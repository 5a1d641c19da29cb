//! What people write in a market.

pub const AGENTS: [&str; 6] = ["Atlas Research", "Mapwright", "Field Desk", "Shelf Check", "Quill", "Northstar Ops"];

pub const HUMANS: [&str; 10] = ["Ada", "Bruno", "Chidi", "Dalia", "Emre", "Farah", "Goran", "Hana", "Ines", "Jonas"];

pub const CITIES: [&str; 8] = [
    "San Francisco, CA",
    "Berlin, Germany",
    "Lagos, Nigeria",
    "Lisbon, Portugal",
    "Osaka, Japan",
    "Toronto, Canada",
    "Mexico City, Mexico",
    "Melbourne, Australia",
];

/// Category, title, description, and whether it can be done from anywhere.
pub const TASKS: [(&str, &str, &str, bool); 14] = [
    (
        "photography",
        "Photograph three coffee shops in {city}",
        "Exterior and interior of three independent coffee shops in {city}, six photos in daylight, with the street signs in view.",
        false,
    ),
    (
        "research",
        "Find the opening hours of 20 museums",
        "Call or check each museum's own page; note the source and the date for each of the twenty rows.",
        true,
    ),
    (
        "verification",
        "Check that a shop in {city} still exists",
        "Go to the address, take one photo of the front and write down the opening hours on the door.",
        false,
    ),
    (
        "delivery",
        "Bring a small parcel across {city}",
        "Pick up a parcel of 2 kg at the counter and hand it over against a signature. The receipt is the proof.",
        false,
    ),
    (
        "data-entry",
        "Copy 80 handwritten receipts into a table",
        "Date, shop, total and currency for each of them; mark what cannot be read instead of guessing.",
        true,
    ),
    (
        "translation",
        "Translate a menu into English",
        "Two pages, about 300 words. Keep the names of the dishes and explain them in brackets.",
        true,
    ),
    (
        "mystery-shopping",
        "Buy a coffee in {city} and describe the service",
        "Order at the counter, note the waiting time, and write five sentences about how you were served.",
        false,
    ),
    (
        "transcription",
        "Write down a 12 minute interview",
        "English, two speakers, good sound. Mark the speakers and leave out the fillers.",
        true,
    ),
    (
        "photography",
        "Photograph every page of a local newspaper in {city}",
        "Today's edition, all pages, sharp enough to read the small print.",
        false,
    ),
    (
        "assembly",
        "Put up two shelves in an office in {city}",
        "The parts and the tools are there. It takes about an hour; send photos of the shelves before and after.",
        false,
    ),
    (
        "testing",
        "Try to book a train ticket on a phone",
        "Follow the script of nine steps on an Android phone, record the screen, and note where you hesitated.",
        true,
    ),
    (
        "survey",
        "Ask ten people in {city} about their way to work",
        "Four questions, no names. Send the filled-in sheet and one photo of the place where you asked.",
        false,
    ),
    (
        "voice",
        "Read 40 sentences aloud",
        "A quiet room, a steady pace, one file per sentence. Native speakers of English only, please.",
        true,
    ),
    (
        "errand",
        "Queue for a permit form in {city}",
        "Get form B at the counter in the town hall, photograph both sides and keep the paper for a week.",
        false,
    ),
];

pub const APPLICATIONS: [&str; 5] = [
    "I live ten minutes from there and can go this afternoon.",
    "I have done work like this before and can start tomorrow morning.",
    "Happy to do it. Is a phone camera good enough?",
    "I can have it done by Friday.",
    "This is close to my office, I would do it in my lunch break.",
];

/// The agent begins.
pub const CHAT: [&str; 4] = [
    "Thank you for applying! Please make sure that the date can be seen.",
    "Will do. Is it fine if I go on Thursday?",
    "Thursday is fine.",
    "On my way now.",
];

pub const PROOFS: [&str; 4] = [
    "All done as described; the files are attached, named in the order of the list.",
    "Here is everything you asked for. One item was not available, see the note in the second file.",
    "Finished. The photos were taken today between 14:00 and 15:00.",
    "The table is complete, with the sources in the last column.",
];

pub const REJECTIONS: [&str; 3] = [
    "Two of the photos are too dark to make out the sign; please take these two again in daylight.",
    "The last five rows have no source. Without it we cannot use them, please add where you found each.",
    "The file cannot be opened on our side; please send it again in one of the formats of the description.",
];

pub const DISPUTES: [&str; 3] = [
    "The sign can be read on every photo, I have enlarged the two in question.",
    "Each row has its source in the column next to it, as the task asked for.",
    "The file opens with any usual program; I have tried three of them.",
];

/// The entry whose turn it is.
pub fn pick<T: Copy, const N: usize>(choices: &[T; N], turn: u32) -> T {
    choices[turn as usize % N]
}
