//! Vectors that are known to end otherwise than their class says, each with its reason. An entry is the
//! start of a vector's description; one that no longer fails is an error.

/// Where the schema says something else than we do.
pub const OF_THE_SCHEMA: &[(&str, &str)] = &[
    ("CodexErrorInfo, invalid, ", OPEN_ARM),
    ("ClientRequest getAuthStatus, valid", NOT_IN_THE_BUNDLE),
    ("ClientRequest getConversationSummary, valid", NOT_IN_THE_BUNDLE),
    ("ClientRequest gitDiffToRemote, valid", NOT_IN_THE_BUNDLE),
    ("ServerNotification rawResponse/completed, valid", NOT_IN_THE_BUNDLE),
    ("ServerNotification rawResponseItem/completed, valid", NOT_IN_THE_BUNDLE),
];

const OPEN_ARM: &str =
    "the last arm of the schema is any string or object; an arm that is known is held to its shape";
const NOT_IN_THE_BUNDLE: &str = "schema/overrides.toml: the server has the method, its schema lacks it";

/// The same for the schemas of older versions; an entry need not fail on each.
pub const OF_OLDER_SCHEMAS: &[(&str, &str)] = &[("CodexErrorInfo, invalid, ", OPEN_ARM)];

/// Where the codecs do something else.
pub const OF_THE_CODECS: &[(&str, &str)] = &[];
