//! What a thread has from the start: setters of the calls that open one.

use codex_appserver_client::generic::Client;
use codex_appserver_methods::Call;
use codex_appserver_methods::protocol::method;
use codex_appserver_methods::protocol::wire::Request;

use crate::approvals::Approvals;
use crate::codex::Codex;
use crate::runtime::Runtime;
use crate::thread::IntoThread;

/// Setters of the SDK for the calls that open a thread: `thread_start`, `thread_resume` and `thread_fork`.
///
#[cfg_attr(feature = "async", doc = "```no_run")]
#[cfg_attr(not(feature = "async"), doc = "```ignore")]
/// use codex_appserver::{Approvals, Codex, Decision, ThreadCall};
///
/// # async fn example() -> Result<(), codex_appserver::Error> {
/// let codex = Codex::start().await?;
/// let careful = Approvals::ask(|_| async { Decision::Decline });
/// let thread = codex.thread_start().approvals(careful).await?;
/// # Ok(())
/// # }
/// ```
pub trait ThreadCall: Sized + sealed::Sealed {
    /// How the client waits.
    type Runtime: Runtime;

    /// Sets the approvals of the thread, before anything on it can ask for one.
    #[must_use]
    fn approvals(self, approvals: Approvals<Self::Runtime>) -> Self;

    /// Sets the tools of the thread, before the agent can call one.
    ///
    /// * `thread_start` offers them to the agent (`dynamicTools`, which is experimental). They stay with the thread and
    ///   cannot be changed later.
    /// * `thread_resume` sends nothing: it says what runs when the agent calls a tool, which is found by its name. A
    ///   program that resumes a thread has to bring all tools that the thread was started with; calls of others fail.
    /// * `thread_fork` does the same for the new thread, which has the tools of the one it was made from. If that one's
    ///   tools are known to this connection, they are taken over.
    ///
    /// They run until they are replaced by another `tools` for the same thread, or the connection is closed. Sub-agents that
    /// have the context of the thread have its tools as well; their calls bear their own thread id.
    ///
    /// # Shared servers
    ///
    /// The server sends a call to all clients that have started or resumed the thread, and takes the first answer. A client
    /// leaves the calls for threads whose tools it was not given to the others. If two clients have the tools of one
    /// thread, both run the call; so give them to one.
    ///
    /// # Errors
    ///
    /// codex would refuse the tools, or could not describe them to the model; the connection did not ask for the
    /// experimental API, or is closed. Nothing is sent then.
    #[cfg(all(feature = "experimental", feature = "structured"))]
    fn tools(
        self,
        tools: impl Into<crate::tools::Tools<Self::Runtime>>,
    ) -> Result<Self, crate::tools::ToolError>;
}

mod sealed {
    /// The calls that open a thread.
    pub trait Sealed: Sized {
        /// Tells the server of the tools, where it wants to know.
        #[cfg(all(feature = "experimental", feature = "structured"))]
        fn offer(
            self,
            specs: Vec<codex_appserver_methods::protocol::DynamicToolSpec>,
        ) -> Result<Self, crate::tools::ToolError> {
            let _ = specs;
            Ok(self)
        }
    }
}

/// A call that opens a thread.
type OpeningCall<'c, R, M> = Call<'c, Client<R>, M, IntoThread<R>>;

impl<R: Runtime> sealed::Sealed for OpeningCall<'_, R, method::ThreadStart> {
    #[cfg(all(feature = "experimental", feature = "structured"))]
    fn offer(
        mut self,
        specs: Vec<codex_appserver_methods::protocol::DynamicToolSpec>,
    ) -> Result<Self, crate::tools::ToolError> {
        if !self.map_mut().codex.client().experimental_api() {
            return Err(crate::tools::ToolError::ExperimentalApi);
        }
        Ok(self.dynamic_tools(specs))
    }
}

impl<R: Runtime> sealed::Sealed for OpeningCall<'_, R, method::ThreadResume> {}

impl<R: Runtime> sealed::Sealed for OpeningCall<'_, R, method::ThreadFork> {}

impl<R: Runtime, M: Request> ThreadCall for OpeningCall<'_, R, M>
where
    Self: sealed::Sealed,
{
    type Runtime = R;

    fn approvals(mut self, approvals: Approvals<R>) -> Self {
        self.map_mut().belongings.approvals = Some(approvals);
        self
    }

    #[cfg(all(feature = "experimental", feature = "structured"))]
    fn tools(mut self, tools: impl Into<crate::tools::Tools<R>>) -> Result<Self, crate::tools::ToolError> {
        let into = self.map_mut();
        let specs = into.belongings.tools.bring(&into.codex, tools.into())?;
        sealed::Sealed::offer(self, specs)
    }
}

/// What a thread has from the start.
pub(crate) struct Belongings<R: Runtime> {
    approvals: Option<Approvals<R>>,
    #[cfg(all(feature = "experimental", feature = "structured"))]
    tools: tools::Brought<R>,
}

impl<R: Runtime> Default for Belongings<R> {
    fn default() -> Self {
        Self {
            approvals: None,
            #[cfg(all(feature = "experimental", feature = "structured"))]
            tools: tools::Brought::default(),
        }
    }
}

impl<R: Runtime> Belongings<R> {
    /// The call that opens a thread is about to be sent. A thread that is made from another one has its tools.
    pub(crate) fn before_open(&mut self, codex: &Codex<R>, source: Option<&str>) {
        #[cfg(all(feature = "experimental", feature = "structured"))]
        self.tools.before_open(codex, source);
        #[cfg(not(all(feature = "experimental", feature = "structured")))]
        let _ = (&self, codex, source);
    }

    /// Gives the thread of this id what was brought for it.
    pub(crate) fn give(&self, codex: &Codex<R>, thread_id: &str) {
        if let Some(approvals) = &self.approvals {
            codex.shared.approvals.set_thread(thread_id, approvals.clone());
        }
        #[cfg(all(feature = "experimental", feature = "structured"))]
        self.tools.give(codex, thread_id);
    }
}

#[cfg(all(feature = "experimental", feature = "structured"))]
mod tools {
    use std::sync::Arc;

    use codex_appserver_methods::protocol::DynamicToolSpec;

    use crate::codex::Codex;
    use crate::runtime::Runtime;
    use crate::tools::{Opening, ToolError, Tools};

    /// The tools of a thread that is about to be opened.
    pub(super) struct Brought<R: Runtime> {
        tools: Option<Arc<Tools<R>>>,
        opening: Option<Opening<R>>,
    }

    impl<R: Runtime> Default for Brought<R> {
        fn default() -> Self {
            Self { tools: None, opening: None }
        }
    }

    impl<R: Runtime> Brought<R> {
        /// Takes the tools, and says what the server is told about them.
        pub(super) fn bring(
            &mut self,
            codex: &Codex<R>,
            tools: Tools<R>,
        ) -> Result<Vec<DynamicToolSpec>, ToolError> {
            let specs = tools.specs()?;
            // The handler that owns the registry goes a little later than the connection.
            let is_open = codex.client().closed().is_none() && codex.shared.tools.upgrade().is_some();
            if !is_open {
                return Err(ToolError::NotServed);
            }
            self.tools = Some(Arc::new(tools));
            Ok(specs)
        }

        pub(super) fn before_open(&mut self, codex: &Codex<R>, source: Option<&str>) {
            let Some(registry) = codex.shared.tools.upgrade() else { return };
            if self.tools.is_none() {
                self.tools = source.and_then(|id| registry.of_thread(id));
            }
            self.opening = self.tools.is_some().then(|| registry.opening());
        }

        pub(super) fn give(&self, codex: &Codex<R>, thread_id: &str) {
            if let (Some(tools), Some(registry)) = (&self.tools, codex.shared.tools.upgrade()) {
                registry.set_thread(thread_id, tools.clone());
            }
        }
    }
}
