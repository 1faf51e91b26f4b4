//! Tools, and what codex is told about them.

use std::collections::HashSet;
use std::sync::Arc;

use codex_appserver_methods::protocol::{
    DynamicToolNamespaceTool, DynamicToolSpec, FunctionDynamicToolNamespaceTool, FunctionDynamicToolSpec,
    NamespaceDynamicToolSpec,
};
use schemars1::JsonSchema;
use serde_json::Value;

use super::call::{ToolCall, path};
use super::error::ToolError;
use super::result::ToolResult;
use super::schema;
use crate::runtime::Runtime;
use crate::schema::SchemaError;

/// A function of the program that the agent may call.
///
/// Its arguments are a Rust type that derives `Deserialize` and `JsonSchema`; `()` stands for none. The doc comments of
/// the type and its members are what the model reads about them. Arguments that do not fit are refused with a text that
/// tells the model what is wrong, and the tool is not run. A panic in the tool is a failed call and nothing else.
///
/// Calls that come at the same time run at the same time. There is no time limit.
pub struct Tool<R: Runtime> {
    name: String,
    description: String,
    schema: Result<Value, SchemaError>,
    deferred: bool,
    run: Arc<Run<R>>,
}

/// Runs a call.
type Run<R> = dyn Fn(ToolCall<R>) -> <R as crate::runtime::sealed::Wait>::Running + Send + Sync;

impl<R: Runtime> Tool<R> {
    pub(crate) fn with_run<A: JsonSchema>(
        name: String,
        description: String,
        run: impl Fn(ToolCall<R>) -> R::Running + Send + Sync + 'static,
    ) -> Self {
        Self { name, description, schema: schema::of_type::<A>(), deferred: false, run: Arc::new(run) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Replaces the JSON Schema of the arguments, for tools that are known at run time only: they take a
    /// `serde_json::Value`.
    #[must_use]
    pub fn input_schema(mut self, schema: Value) -> Self {
        self.schema = schema::of_value(schema);
        self
    }

    /// Keeps the tool from the model until the model searches for it (`deferLoading`), which saves room if there are many
    /// tools. It has to be in a namespace.
    #[must_use]
    pub fn deferred(mut self) -> Self {
        self.deferred = true;
        self
    }

    /// What codex is told: its schema, and whether it is deferred.
    fn spec(&self, namespace: Option<&str>) -> Result<(Value, Option<bool>), ToolError> {
        let name = path(namespace, &self.name);
        check_name("tool", &self.name, 128)?;
        if self.deferred && namespace.is_none() {
            let problem = "only tools of a namespace can be deferred; put it into one";
            return Err(ToolError::Unfit { kind: "tool", name, problem });
        }
        let schema = self.schema.clone().map_err(|source| ToolError::Schema { name, source })?;
        Ok((schema, self.deferred.then_some(true)))
    }
}

impl<R: Runtime> Clone for Tool<R> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            description: self.description.clone(),
            schema: self.schema.clone(),
            deferred: self.deferred,
            run: self.run.clone(),
        }
    }
}

impl<R: Runtime> std::fmt::Debug for Tool<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tool").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The tools of a thread: single ones, and namespaces of them. Made from a tool, or from a list of tools.
///
/// # Names
///
/// A name has at most 128 characters (of a namespace 64), and only letters of ASCII, digits, `_` and `-`. The name `mcp`,
/// and names that start with `mcp__`, are codex's own, as are some names of namespaces. A tool that has the name of one of
/// codex's own tools, such as `exec_command`, is not refused, but the model never sees it.
///
/// The model reads descriptions of tools in full. Of a schema with more than about 5000 characters codex leaves out the
/// descriptions of the members.
pub struct Tools<R: Runtime> {
    groups: Vec<Arc<Group<R>>>,
}

/// Tools of one namespace, or of none.
struct Group<R: Runtime> {
    /// The name and the description.
    namespace: Option<(String, String)>,
    tools: Vec<Tool<R>>,
}

impl<R: Runtime> Tools<R> {
    /// Tools without a namespace.
    pub fn new(tools: impl IntoIterator<Item = Tool<R>>) -> Self {
        Self::group(None, tools)
    }

    /// A namespace: tools that belong together, with a description of at most 1024 characters.
    pub fn namespace(
        name: impl Into<String>,
        description: impl Into<String>,
        tools: impl IntoIterator<Item = Tool<R>>,
    ) -> Self {
        Self::group(Some((name.into(), description.into())), tools)
    }

    fn group(namespace: Option<(String, String)>, tools: impl IntoIterator<Item = Tool<R>>) -> Self {
        Self { groups: vec![Arc::new(Group { namespace, tools: tools.into_iter().collect() })] }
    }

    /// These tools and the other ones.
    #[must_use]
    pub fn and(mut self, more: impl Into<Self>) -> Self {
        self.groups.extend(more.into().groups);
        self
    }

    /// What codex is told about them.
    ///
    /// # Errors
    ///
    /// codex would refuse them, or would not pass them on to the model as they are meant.
    pub(crate) fn specs(&self) -> Result<Vec<DynamicToolSpec>, ToolError> {
        let mut specs = Vec::new();
        let (mut singles, mut namespaces) = (HashSet::new(), HashSet::new());
        for group in &self.groups {
            let Group { namespace, tools } = &**group;
            let Some((name, description)) = namespace else {
                for tool in tools {
                    let (schema, _) = tool.spec(None)?;
                    check_first(&mut singles, "tool", &tool.name, None)?;
                    let spec = FunctionDynamicToolSpec::new(&tool.description, schema, &tool.name);
                    specs.push(DynamicToolSpec::Function(spec));
                }
                continue;
            };
            check_first(&mut namespaces, "namespace", name, None)?;
            let tools = namespace_specs(name, description, tools)?;
            specs.push(DynamicToolSpec::Namespace(NamespaceDynamicToolSpec::new(description, name, tools)));
        }
        Ok(specs)
    }

    /// Begins a call. Of a tool that is not here the result says so.
    pub(crate) fn run(&self, call: ToolCall<R>) -> R::Running {
        let tool =
            self.all().find(|(namespace, tool)| (*namespace, &*tool.name) == (call.namespace(), call.tool()));
        match tool {
            Some((_, tool)) => (tool.run)(call),
            None => R::ran(ToolResult::failed(self.unknown(&call.path()))),
        }
    }

    fn unknown(&self, name: &str) -> String {
        let names: Vec<_> =
            self.all().map(|(namespace, tool)| format!("`{}`", path(namespace, &tool.name))).collect();
        let has = if names.is_empty() { "none at all".into() } else { names.join(", ") };
        format!("failed to run the tool `{name}`: the program does not have it any more; it has {has}")
    }

    fn all(&self) -> impl Iterator<Item = (Option<&str>, &Tool<R>)> {
        self.groups.iter().flat_map(|group| {
            let namespace = group.namespace.as_ref().map(|(name, _)| &**name);
            group.tools.iter().map(move |tool| (namespace, tool))
        })
    }
}

impl<R: Runtime> From<Tool<R>> for Tools<R> {
    fn from(tool: Tool<R>) -> Self {
        Self::new([tool])
    }
}

impl<R: Runtime, const N: usize> From<[Tool<R>; N]> for Tools<R> {
    fn from(tools: [Tool<R>; N]) -> Self {
        Self::new(tools)
    }
}

impl<R: Runtime> From<Vec<Tool<R>>> for Tools<R> {
    fn from(tools: Vec<Tool<R>>) -> Self {
        Self::new(tools)
    }
}

impl<R: Runtime> Clone for Tools<R> {
    fn clone(&self) -> Self {
        Self { groups: self.groups.clone() }
    }
}

impl<R: Runtime> std::fmt::Debug for Tools<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.all().map(|(namespace, tool)| path(namespace, &tool.name))).finish()
    }
}

fn namespace_specs<R: Runtime>(
    name: &str,
    description: &str,
    tools: &[Tool<R>],
) -> Result<Vec<DynamicToolNamespaceTool>, ToolError> {
    let unfit = |problem| Err(ToolError::Unfit { kind: "namespace", name: name.to_owned(), problem });
    check_name("namespace", name, 64)?;
    if RESERVED.contains(&name) {
        return Err(bad_name("namespace", name, "is reserved by the model's API"));
    }
    if description.chars().count() > 1024 {
        return unfit("its description has more than 1024 characters; shorten it");
    }
    if tools.is_empty() {
        return unfit("it has no tools; put at least one into it");
    }
    let (mut specs, mut known) = (Vec::new(), HashSet::new());
    for tool in tools {
        let (schema, deferred) = tool.spec(Some(name))?;
        check_first(&mut known, "tool", &tool.name, Some(name))?;
        let mut spec = FunctionDynamicToolNamespaceTool::new(&tool.description, schema, &tool.name);
        spec.defer_loading = deferred;
        specs.push(DynamicToolNamespaceTool::Function(spec));
    }
    Ok(specs)
}

/// Names of namespaces that the model's API has itself.
const RESERVED: &[&str] = &[
    "api_tool",
    "browser",
    "computer",
    "container",
    "file_search",
    "functions",
    "image_gen",
    "multi_tool_use",
    "python",
    "python_user_visible",
    "submodel_delegator",
    "terminal",
    "tool_search",
    "web",
];

/// Checks a name as codex does.
fn check_name(kind: &'static str, name: &str, limit: usize) -> Result<(), ToolError> {
    let problem = if name.is_empty() {
        "is empty"
    } else if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) {
        "has other characters than letters of ASCII, digits, `_` and `-`"
    } else if name.len() > limit {
        if limit == 64 { "has more than 64 characters" } else { "has more than 128 characters" }
    } else if name == "mcp" || name.starts_with("mcp__") {
        "is reserved for MCP servers"
    } else {
        return Ok(());
    };
    Err(bad_name(kind, name, problem))
}

fn bad_name(kind: &'static str, name: &str, problem: &'static str) -> ToolError {
    ToolError::Name { kind, name: name.to_owned(), problem }
}

fn check_first<'a>(
    known: &mut HashSet<&'a str>,
    kind: &'static str,
    name: &'a str,
    namespace: Option<&str>,
) -> Result<(), ToolError> {
    if known.insert(name) { Ok(()) } else { Err(ToolError::Twice { kind, name: path(namespace, name) }) }
}

#[cfg(all(test, feature = "blocking"))]
mod tests {
    use codex_appserver_client::OsThreads;
    use serde_json::json;

    use super::*;

    fn tool(name: &str) -> Tool<OsThreads> {
        Tool::<OsThreads>::new(name, "A tool.", |()| ())
    }

    fn error(tools: impl Into<Tools<OsThreads>>) -> String {
        tools.into().specs().expect_err("codex refuses it").to_string()
    }

    #[test]
    fn names_are_checked_as_codex_does() {
        for fine in ["a", "A-1_b", "mcpx", "mcp_x", "1", "functions", &"x".repeat(128)] {
            assert!(Tools::from(tool(fine)).specs().is_ok(), "{fine}");
        }
        for (name, problem) in [
            ("", "is empty"),
            (" a", "has other characters"),
            ("a b", "has other characters"),
            ("ä", "has other characters"),
            ("a.b", "has other characters"),
            (&"x".repeat(129), "has more than 128 characters"),
            ("mcp", "is reserved for MCP servers"),
            ("mcp__files", "is reserved for MCP servers"),
        ] {
            let text = error(tool(name));
            let begins = format!("failed to offer the tool {name:?}: its name {problem}");
            assert!(text.starts_with(&begins) && text.ends_with("; choose another name"), "{text}");
            assert!(error(Tools::namespace("n", "", [tool(name)])).starts_with(&begins));
        }
    }

    #[test]
    fn namespaces_are_checked_as_codex_does() {
        let space = |name: &str, description: &str| Tools::namespace(name, description, [tool("a")]);
        let (long, words) = ("x".repeat(64), "ä".repeat(1024));
        assert!(space(&long, &words).and(tool("a")).and(space("a", "")).specs().is_ok());
        let refused = |tools: Tools<OsThreads>, expected: &str| {
            let text = error(tools);
            assert!(text.starts_with("failed to offer the ") && text.contains(expected), "{text}");
        };
        refused(space(&format!("{long}x"), ""), "its name has more than 64 characters");
        refused(space("web", ""), "namespace \"web\": its name is reserved by the model's API");
        refused(space("mcp__a", ""), "its name is reserved for MCP servers");
        refused(space("n", &format!("{words}x")), "namespace \"n\": its description has more than 1024");
        refused(Tools::namespace("n", "", []), "namespace \"n\": it has no tools");
        refused(space("n", "").and(space("n", "")), "namespace \"n\": there are two of that name");
        refused(
            Tools::namespace("n", "", [tool("a"), tool("a")]),
            "tool \"n.a\": there are two of that name",
        );
        refused(Tools::from(tool("a")).and([tool("b"), tool("a")]), "tool \"a\": there are two of that name");
        refused(tool("a").deferred().into(), "tool \"a\": only tools of a namespace can be deferred");
        refused(tool("a").input_schema(json!(true)).into(), "tool \"a\": its arguments have no JSON Schema");
    }

    #[test]
    fn debug_output_names_the_tools() {
        let tools = Tools::from(vec![tool("a")]).and(Tools::namespace("n", "", [tool("b")]));
        assert_eq!(format!("{:?} {:?}", tools.clone(), tool("a")), r#"["a", "n.b"] Tool { name: "a", .. }"#);
    }
}
