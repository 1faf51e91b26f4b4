//! From items and methods to files: which crate and module each thing goes into.

mod handler;
mod imports;
mod index;
mod manifests;
mod paged;
mod payloads;
mod print;
mod requests;
mod shapes;
mod since;
mod testing;
mod wrappers;

use std::collections::BTreeMap;

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::boxes::Boxes;
use crate::codecs::{Codecs, Context};
use crate::error::Result;
use crate::history::{Release, Since};
use crate::lower::Item;
use crate::model::{Home, Model};
use crate::names;
use crate::rows::Docs;

pub(crate) use index::index;
pub use manifests::Layout;

/// Everything emission works from.
pub(crate) struct Emission<'e> {
    pub(crate) model: &'e Model,
    pub(crate) items: &'e BTreeMap<String, Item>,
    pub(crate) boxes: &'e Boxes,
    pub(crate) docs: &'e Docs,
    pub(crate) layout: &'e Layout,
    pub(crate) codecs: Codecs,
    /// The SHA-256 of the canonical schema, in hexadecimal.
    pub(crate) schema_sha256: String,
}

/// One of the generated crates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crate {
    Enums,
    Types,
    Requests,
    Notifications,
    Methods,
    Shapes,
}

impl Crate {
    pub(crate) const ALL: [Self; 6] =
        [Self::Enums, Self::Types, Self::Requests, Self::Notifications, Self::Methods, Self::Shapes];

    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Enums => "enums",
            Self::Types => "types",
            Self::Requests => "requests",
            Self::Notifications => "notifications",
            Self::Methods => "methods",
            Self::Shapes => "shapes",
        }
    }

    /// The generated crates it stands on, directly.
    pub(crate) fn dependencies(self) -> &'static [Self] {
        match self {
            Self::Enums | Self::Shapes => &[],
            Self::Types => &[Self::Enums],
            Self::Requests | Self::Notifications => &[Self::Enums, Self::Types],
            Self::Methods => &[Self::Enums, Self::Types, Self::Requests, Self::Notifications],
        }
    }

    pub(crate) fn home(self) -> Option<Home> {
        match self {
            Self::Enums => Some(Home::Enums),
            Self::Types => Some(Home::Types),
            Self::Requests => Some(Home::Requests),
            Self::Notifications => Some(Home::Notifications),
            Self::Methods | Self::Shapes => None,
        }
    }
}

/// A file that is not printed yet.
pub(crate) struct Module {
    /// Path within the crate, `src/…`.
    pub(crate) path: String,
    /// The module of this crate that decides what is in it, for the header.
    pub(crate) source: &'static str,
    pub(crate) docs: String,
    pub(crate) tokens: TokenStream,
}

impl Emission<'_> {
    /// Every file, sorted by path.
    pub(crate) fn files(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let mut files: Vec<(String, Vec<u8>)> = manifests::files(self);
        for of in self.crates() {
            let mut modules = payloads::modules(self, of);
            match of {
                Crate::Requests => {
                    modules.extend(requests::modules(self, of));
                    modules.extend(paged::module(self));
                }
                Crate::Notifications => modules.extend(requests::modules(self, of)),
                Crate::Methods => {
                    modules.extend(wrappers::modules(self));
                    modules.push(handler::module(self));
                    modules.push(since::module(self));
                }
                Crate::Shapes => modules.extend(shapes::modules(self)),
                Crate::Enums | Crate::Types => {}
            }
            modules.extend(testing::modules(self, of));
            modules.push(lib(self, of, &modules));
            for module in modules {
                let text = print::rust(&module)?;
                files.push((format!("{}/{}", of.folder(), module.path), text.into_bytes()));
            }
        }
        files.sort();
        Ok(files)
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context { items: self.items, boxes: self.boxes, codecs: self.codecs }
    }

    /// The crates there are: derived types come without the wrappers, which build on the written codecs.
    fn crates(&self) -> impl Iterator<Item = Crate> {
        let derived = self.codecs == Codecs::SerdeDerive;
        Crate::ALL.into_iter().filter(move |of| !(derived && *of == Crate::Methods))
    }

    /// The name of a crate's package. Derived ones can stand beside the others in one program.
    fn package(&self, of: Crate) -> String {
        match self.codecs {
            Codecs::Written => format!("codex-appserver-{}", of.folder()),
            Codecs::SerdeDerive => format!("derived-{}", of.folder()),
        }
    }
}

/// The release that something came with.
fn release(since: Since, of_wire: TokenStream) -> TokenStream {
    match since.release {
        None => quote!(#of_wire::OLDEST),
        Some(Release(major, minor, patch)) => {
            let numbers = [major, minor, patch].map(Literal::u16_unsuffixed);
            quote!(#of_wire::new(#(#numbers),*))
        }
    }
}

/// The constant that names the codex version. Where it stands, the crate's docs need not name it as well.
fn codex_version(emission: &Emission<'_>) -> TokenStream {
    let version = &emission.model.codex_version;
    let hash = format!(" Its canonical schema has the SHA-256 `{}`.", emission.schema_sha256);
    quote! {
        #[doc = " The codex version whose protocol this is."]
        #[doc = ""]
        #[doc = #hash]
        pub const CODEX_VERSION: &str = #version;
    }
}

/// The module that has all types of all crates, for those who do not want to know which is where.
fn protocol() -> TokenStream {
    quote! {
        #[doc = " Every type of the protocol: params, responses, notifications, and what they are made of."]
        pub mod protocol {
            #![allow(unused_imports)]
            pub use codex_appserver_enums::*;
            pub use codex_appserver_notifications::*;
            #[doc = " The marker types of requests, by which calls are made."]
            pub use codex_appserver_requests::method;
            pub use codex_appserver_requests::*;
            pub use codex_appserver_types::*;
            pub use codex_appserver_wire as wire;
        }
    }
}

/// `lib.rs`: the modules, and everything they hold at the root.
fn lib(emission: &Emission<'_>, of: Crate, modules: &[Module]) -> Module {
    let top: Vec<&str> = modules
        .iter()
        .filter_map(|module| module.path.strip_prefix("src/")?.strip_suffix(".rs"))
        .map(|path| path.strip_suffix("/mod").unwrap_or(path))
        .filter(|path| !path.contains('/'))
        .collect();
    let declarations = top.iter().map(|name| {
        let ident = crate::names::ident(name);
        let gate = crate::codecs::gate(*name == "experimental");
        // The markers stay in a module of their own: a marker may share its name with a type.
        if *name == "method" {
            quote!(#[rustfmt::skip] pub mod #ident;)
        } else if *name == "testing" {
            quote!(#[cfg(feature = "testing")] #[rustfmt::skip] mod #ident;)
        } else if ["paged", "setters"].contains(name) {
            quote!(#[rustfmt::skip] mod #ident;)
        } else {
            quote!(#gate #[rustfmt::skip] mod #ident; #gate pub use #ident::*;)
        }
    });
    let stands_on = of.dependencies().iter().map(|dependency| {
        let ident = names::ident(&emission.package(*dependency).replace('-', "_"));
        quote!(pub use #ident::*;)
    });
    // Requests and notifications each have a module `method`.
    let method_modules = (of == Crate::Methods).then(|| {
        quote! {
            pub use codex_appserver_notifications::method as notification_method;
            pub use codex_appserver_requests::method as request_method;
        }
    });
    let version = (of == Crate::Methods).then(|| codex_version(emission));
    let protocol = (of == Crate::Methods).then(protocol);
    let tokens = quote! {
        #![cfg_attr(rustfmt, rustfmt_skip)]
        #![allow(clippy::too_many_arguments, clippy::wrong_self_convention)]
        #(#declarations)*
        #version
        #protocol
        #[doc(no_inline)]
        pub use codex_appserver_wire as wire;
        mod prelude {
            #![allow(unused_imports)]
            #(#stands_on)*
            #method_modules
            pub use crate::*;
            pub use codex_appserver_wire as wire;
        }
    };
    let docs = match of {
        Crate::Enums => {
            "Enums of strings and integers of the Codex app-server protocol.\n\nEvery enum is open: a value that these bindings do not know is kept and told from the known ones."
        }
        Crate::Types => {
            "Structs and unions of the Codex app-server protocol that are no method's own payload."
        }
        Crate::Requests => {
            "Requests of the Codex app-server protocol: params, responses, one marker type per method in [`method`], and the enums [`ClientRequest`] and [`ServerRequest`]."
        }
        Crate::Notifications => {
            "Notifications of the Codex app-server protocol: payloads, one marker type per method in [`method`], and the enums [`ServerNotification`] and [`ClientNotification`]."
        }
        Crate::Methods => {
            "Every method of the Codex app-server protocol as a call on any transport.\n\n[`Methods`] has one function per request: `client.thread_start().model(\"gpt-5\")` is a [`Call`], which a [`wire::Transport`] awaits and a [`wire::BlockingTransport`] sends with [`Call::call`]. [`ServerRequestHandler`] answers what the server asks. [`CODEX_VERSION`] is the version of the protocol."
        }
        Crate::Shapes => {
            "The Codex app-server protocol as data: for tools that look at JSON without a Rust type.\n\n[`definition`] and [`method`](method()) look up what a value or a message is made of; the words are those of [`wire::shape`]. [`CODEX_VERSION`] is the version of the protocol."
        }
    };
    let docs = match of {
        Crate::Methods | Crate::Shapes => docs.to_owned(),
        _ => format!(
            "{docs}\n\nGenerated from codex {}; its canonical schema has the SHA-256 `{}`.",
            emission.model.codex_version, emission.schema_sha256
        ),
    };
    Module { path: "src/lib.rs".into(), source: "crates/bindgen/src/emit/mod.rs", docs, tokens }
}
