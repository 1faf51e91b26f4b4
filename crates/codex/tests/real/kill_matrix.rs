//! A supervised program whose server is killed or stopped at every point of a turn.
//!
//! Each cell of the matrix runs one turn: the model wants a command, the program approves it, and the model says that all
//! is done. The program must learn the turn's true end, which a fresh server tells; the model must not get the user's
//! message twice; no approval may be asked twice of one server process; the thread must go on; and no process is left.

mod program;

use std::collections::HashSet;
use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use codex_appserver_testkit::Reply;
use codex_appserver_testkit::kill_points::{Hit, KillPoints, Moment};

use crate::stage::Stage;
#[cfg(target_os = "linux")]
use crate::stage::processes_in;
use program::{Learned, NEXT, NONE, PROMPT, Reach, tasks, threads};

/// How long one cell may take; far more than it takes.
const BOUND: Duration = Duration::from_secs(60);

/// After this a server that may have been stopped is asked for a sign of life, and after twice as long it is replaced.
const SILENCE: Duration = Duration::from_secs(1);

/// How often a cell is begun: a server that is slow to start may be taken for one that was stopped.
const BEGINNINGS: usize = 5;

/// How long processes may take to end.
const ENDING: Duration = Duration::from_secs(10);

const APPROVAL: &str = "item/commandExecution/requestApproval";

/// The messages of the turn: the name, which of this name, and what it is about.
const POINTS: [(&str, usize, &str); 15] = [
    ("turn/start", 1, ""),
    ("answer to turn/start", 1, ""),
    ("turn/started", 1, ""),
    ("item/started", 1, "user message"),
    ("item/completed", 1, "user message"),
    ("thread/status/changed", 2, "waits for approval"),
    ("item/started", 2, "command"),
    (APPROVAL, 1, ""),
    ("answer to item/commandExecution/requestApproval", 1, ""),
    ("serverRequest/resolved", 1, ""),
    ("item/completed", 2, "command"),
    ("item/agentMessage/delta", 1, ""),
    ("thread/tokenUsage/updated", 2, ""),
    ("thread/status/changed", 4, "idle"),
    ("turn/completed", 1, ""),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Transport {
    Stdio,
    Shared,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Async,
    Blocking,
}

/// One cell of the matrix.
#[derive(Clone, Copy, Debug)]
struct Cell {
    /// Which of [`POINTS`].
    point: usize,
    moment: Moment,
    hit: Hit,
    transport: Transport,
    kind: Kind,
}

/// What happened in a cell.
struct Row {
    cell: Cell,
    /// Which message of the server it was.
    number: Option<usize>,
    learned: Learned,
    truth: String,
    /// How often the model got the user's message as a new one, and how many requests were about it.
    sent: usize,
    requests: usize,
    servers: usize,
    took: Duration,
    problems: Vec<String>,
}

impl Row {
    fn head() -> String {
        format!(
            "{:>3}  {:45} {:6} {:6} {:9} {:8} {:12} {:12} {:12} {:4} {:8} {:5} {:7} time",
            "#",
            "point",
            "moment",
            "signal",
            "transport",
            "runtime",
            "end seen",
            "end true",
            "next turn",
            "sent",
            "requests",
            "asked",
            "servers",
        )
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, nth, about) = POINTS[self.cell.point];
        let point = match about {
            "" => name.replace("item/commandExecution/requestApproval", "item/…/requestApproval"),
            about => format!("{name} {nth} ({about})"),
        };
        let number = self.number.map_or("-".to_owned(), |number| number.to_string());
        let word = |text: &str| text.chars().take(12).collect::<String>();
        let text = |value: &dyn fmt::Debug| format!("{value:?}");
        write!(
            f,
            "{number:>3}  {point:45} {:6} {:6} {:9} {:8} {:12} {:12} {:12} {:4} {:8} {:5} {:7} {:.1?}",
            text(&self.cell.moment),
            text(&self.cell.hit),
            text(&self.cell.transport),
            text(&self.cell.kind),
            word(&self.learned.end),
            word(&self.truth),
            word(&self.learned.next),
            self.sent,
            self.requests,
            self.learned.asked,
            self.servers,
            self.took,
        )?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n     ^ {problem}"))
    }
}

/// Runs one cell. Without a codex there is none.
fn run(cell: Cell) -> Option<Row> {
    let mut row = begin(cell)?;
    for _ in 1..BEGINNINGS {
        // It was not hit, and it has learned of no thread: the server was slow to start.
        if row.number.is_some() || !row.learned.thread.is_empty() {
            break;
        }
        row = begin(cell)?;
    }
    Some(row)
}

fn begin(cell: Cell) -> Option<Row> {
    let stage = Stage::set([])?;
    stage.model.answer_with(|request| match (request.is_about(NEXT), request.follows_a_tool()) {
        (true, _) => Reply::text("Nothing more."),
        (false, true) => Reply::text_chunks(["It is ", "made."]),
        (false, false) => Reply::command_to_approve("touch made", "May I?"),
    });
    let points = Arc::new(stage.kill_points());
    let begun = Instant::now();
    let mut problems = Vec::new();
    let learned = learn(cell, &stage, &points).unwrap_or_else(|problem| {
        problems.push(problem);
        Learned::default()
    });
    let took = begun.elapsed();
    let fired = points.fired();
    if fired.is_none() {
        problems.push("the server was not hit".to_owned());
    }
    problems.extend(left(cell, &stage, &points));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let truth = runtime.block_on(tasks::truth(stage.process(), &learned));
    let row = Row {
        number: fired.map(|fired| fired.number),
        truth,
        sent: stage.model.times_sent(PROMPT),
        requests: stage.model.requests_about(PROMPT).len(),
        servers: points.runs_started(),
        cell,
        learned,
        took,
        problems,
    };
    Some(row.judged(&points))
}

/// Runs the program, which may hang.
fn learn(cell: Cell, stage: &Stage, points: &Arc<KillPoints>) -> Result<Learned, String> {
    let process = stage.process().program(points.program());
    let reach = Reach {
        process,
        shared: (cell.transport == Transport::Shared).then(|| stage.home.codex_home()),
        silence: (cell.hit == Hit::Stop).then_some(SILENCE),
    };
    let (points, (name, nth, _)) = (points.clone(), POINTS[cell.point]);
    let arm = move || points.hit((name, nth), cell.moment, cell.hit).expect("an order");
    let (sender, received) = channel();
    thread::spawn(move || {
        let learned = match cell.kind {
            Kind::Async => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(tasks::run(reach, arm))
            }
            Kind::Blocking => threads::run(reach, arm),
        };
        // The receiver is gone if this took too long.
        let _ = sender.send(learned);
    });
    match received.recv_timeout(BOUND) {
        Ok(learned) => learned.map_err(|error| format!("it does not begin: {error}")),
        Err(RecvTimeoutError::Timeout) => Err(format!("it hangs: no end after {BOUND:?}")),
        Err(RecvTimeoutError::Disconnected) => Err("it panics".to_owned()),
    }
}

/// What is left of the servers, and of what they started. Ends it.
fn left(cell: Cell, stage: &Stage, points: &KillPoints) -> Vec<String> {
    let mut problems = Vec::new();
    let pids = points.pids();
    // A shared server waits for the next program: the last one.
    let stays = match cell.transport {
        Transport::Stdio => &[],
        Transport::Shared => &pids[pids.len().saturating_sub(3)..],
    };
    let left = || points.alive().into_iter().filter(|pid| !stays.contains(pid)).collect::<Vec<_>>();
    if !soon(|| left().is_empty()) {
        problems.push(format!("servers are left: {:?} of {pids:?}", left()));
    }
    points.reap();
    #[cfg(target_os = "linux")]
    if !soon(|| processes_in(stage.home.root()).is_empty()) {
        problems.push(format!("processes are left: {:?}", processes_in(stage.home.root())));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = stage;
    problems
}

/// Whether this comes true.
fn soon(is_true: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while !is_true() {
        if begun.elapsed() >= ENDING {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}

impl Row {
    /// With what is wrong.
    fn judged(mut self, points: &KillPoints) -> Self {
        let learned = &self.learned;
        let delivered = points.messages().into_iter().filter(|message| message.delivered);
        let delivered: HashSet<_> = delivered.map(|message| (message.run, message.name())).collect();
        let asking = delivered.iter().filter(|(_, name)| name == APPROVAL).count();
        let was_told = |name: &str| delivered.contains(&(1, name.to_owned()));
        let was_cut_off = was_told("answer to turn/start") && !was_told("turn/completed");
        let checks = [
            (learned.end == self.truth, "it learned another end"),
            (
                self.truth != "completed" || learned.text == "It is made.",
                "the agent's last words are missing",
            ),
            (self.truth == NONE || learned.next == "completed", "the thread does not go on"),
            (self.sent <= 1, "the model got the message twice"),
            (learned.asked <= asking, "it was asked twice"),
            (
                !was_cut_off || learned.reconnected > 0,
                "its stream does not say that the connection was made again",
            ),
        ];
        let failed = checks.into_iter().filter(|(holds, _)| !holds);
        self.problems.extend(failed.map(|(_, problem)| problem.to_owned()));
        if !self.problems.is_empty() {
            self.problems.push(format!("{:?}; the truth: {}", self.learned, self.truth));
            let passed =
                points.messages().into_iter().map(|message| format!("server {}: {message}", message.run));
            self.problems.extend(passed);
        }
        self
    }
}

/// Runs cells, some at once, prints what happened in each, and fails if something is wrong.
fn check(cells: &[Cell], at_once: usize) {
    let left = Mutex::new(cells.iter().enumerate());
    let rows = Mutex::new(Vec::new());
    let take = || left.lock().expect("no panic").next();
    let work = || {
        while let Some((place, cell)) = take() {
            let row = run(*cell).map(|row| (place, row));
            rows.lock().expect("no panic").extend(row);
        }
    };
    thread::scope(|scope| (0..at_once).for_each(|_| drop(scope.spawn(work))));
    let mut rows = rows.into_inner().expect("no panic");
    rows.sort_by_key(|(place, _)| *place);
    let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
    if !rows.is_empty() {
        println!("{}", Row::head());
    }
    rows.iter().for_each(|row| println!("{row}"));
    let wrong = rows.iter().filter(|row| !row.problems.is_empty()).count();
    assert_eq!(wrong, 0, "of {} cells", rows.len());
}

/// All points, before and after.
fn all(hit: Hit, transport: Transport, kind: Kind) {
    let cell = |point, moment| Cell { point, moment, hit, transport, kind };
    let moments = |point| [Moment::Before, Moment::After].map(|moment| cell(point, moment));
    check(&(0..POINTS.len()).flat_map(moments).collect::<Vec<_>>(), 2);
}

/// Every kind of point once.
#[test]
fn a_short_matrix() {
    use self::Kind::{Async, Blocking};
    use self::Transport::{Shared, Stdio};
    use Hit::{Kill, Stop};
    use Moment::{After, Before};

    let cell = |(point, moment, hit, transport, kind)| Cell { point, moment, hit, transport, kind };
    let cells = [
        (0, Before, Kill, Stdio, Async),
        (1, Before, Stop, Shared, Blocking),
        (7, After, Kill, Shared, Async),
        (8, After, Stop, Stdio, Blocking),
        (10, Before, Kill, Stdio, Blocking),
        (11, After, Stop, Shared, Async),
        (13, After, Kill, Shared, Blocking),
        (14, Before, Stop, Stdio, Async),
    ];
    check(&cells.map(cell), 4);
}

macro_rules! matrices {
    ($($name:ident: $hit:ident, $transport:ident, $kind:ident;)+) => {$(
        #[test]
        #[ignore = "full tier: 30 turns, each cut off at another point"]
        fn $name() {
            all(Hit::$hit, Transport::$transport, Kind::$kind);
        }
    )+};
}

matrices! {
    killed_on_stdio_async: Kill, Stdio, Async;
    killed_on_stdio_blocking: Kill, Stdio, Blocking;
    killed_shared_async: Kill, Shared, Async;
    killed_shared_blocking: Kill, Shared, Blocking;
    stopped_on_stdio_async: Stop, Stdio, Async;
    stopped_on_stdio_blocking: Stop, Stdio, Blocking;
    stopped_shared_async: Stop, Shared, Async;
    stopped_shared_blocking: Stop, Shared, Blocking;
}
