//! Whatever happens in whatever order: the window holds, and every call ends exactly once.

use std::collections::BTreeMap;
use std::task::Poll;

use proptest::prelude::*;

use super::{Alarm, Bench};
use crate::core::Core;

/// What may happen; the number picks one of the calls so far.
#[derive(Clone, Debug)]
enum Event {
    Begin { within: Option<u64> },
    Answer(prop::sample::Index),
    Broken(prop::sample::Index),
    GiveUp(prop::sample::Index),
    Poll(prop::sample::Index),
    Pass(u64),
    Write,
    Stop,
    Close,
}

fn event() -> impl Strategy<Value = Event> {
    let any = any::<prop::sample::Index>;
    prop_oneof![
        30 => prop::option::of(1..6_u64).prop_map(|within| Event::Begin { within }),
        25 => any().prop_map(Event::Answer),
        3 => any().prop_map(Event::Broken),
        10 => any().prop_map(Event::GiveUp),
        20 => any().prop_map(Event::Poll),
        10 => (0..4_u64).prop_map(Event::Pass),
        10 => Just(Event::Write),
        1 => Just(Event::Stop),
        1 => Just(Event::Close),
    ]
}

/// A call as its caller sees it.
struct Caller {
    alarm: Alarm,
    /// Polled since it was last woken.
    waits: bool,
}

#[derive(Default)]
struct Model {
    /// Calls that are neither over nor given up.
    callers: BTreeMap<i64, Caller>,
    begun: u64,
    ended: u64,
    given_up: u64,
    refused: u64,
}

const WINDOW: usize = 3;
const QUEUE: usize = 4;

impl Model {
    fn poll(&mut self, bench: &mut Bench, id: i64) {
        let Some(caller) = self.callers.get_mut(&id) else { return };
        let rings = caller.alarm.rings();
        match bench.core.poll_call(id, &caller.alarm.waker) {
            Poll::Ready(_) => {
                assert!(!caller.waits || rings > 0, "call {id} ended, and its caller was not woken");
                self.callers.remove(&id);
                self.ended += 1;
            }
            Poll::Pending => {
                assert_eq!(rings, 0, "call {id} was woken for nothing");
                caller.waits = true;
            }
        }
    }

    fn apply(&mut self, bench: &mut Bench, event: &Event, seen: i64) {
        let pick = |index: &prop::sample::Index| index.index(seen.max(1) as usize) as i64 + 1;
        match event {
            Event::Begin { within } => {
                match bench.try_begin("m", within.map(std::time::Duration::from_secs)) {
                    Ok(id) => {
                        self.begun += 1;
                        self.callers.insert(id, Caller { alarm: Alarm::new(), waits: false });
                    }
                    Err(_) => self.refused += 1,
                }
            }
            Event::Answer(index) => bench.result(pick(index)),
            Event::Broken(index) => drop(bench.line(&format!(r#"{{"id":{},"result":"#, pick(index)))),
            Event::GiveUp(index) => {
                let id = pick(index);
                if self.callers.remove(&id).is_some() {
                    bench.give_up(id);
                    self.given_up += 1;
                }
            }
            Event::Poll(index) => self.poll(bench, pick(index)),
            Event::Pass(seconds) => bench.pass(*seconds),
            Event::Write => drop(bench.sent()),
            Event::Stop => bench.act(Core::stop),
            Event::Close => bench.close(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_call_ends_exactly_once(events in prop::collection::vec(event(), 1..150)) {
        let (mut bench, mut model) = (Bench::window(WINDOW, QUEUE), Model::default());
        for event in &events {
            let seen = model.begun as i64;
            model.apply(&mut bench, event, seen);
            let (in_flight, queued) = bench.load();
            prop_assert!(in_flight <= WINDOW as u64 && queued <= QUEUE as u64);
            // Nobody waits beside a free place.
            prop_assert!(queued == 0 || in_flight == WINDOW as u64);
            prop_assert!(in_flight + queued <= model.callers.len() as u64);
        }
        // The server answers all it was sent, until nothing is left.
        while bench.load() != (0, 0) {
            (1..=model.begun as i64).for_each(|id| bench.result(id));
        }
        let left: Vec<i64> = model.callers.keys().copied().collect();
        left.iter().for_each(|id| model.poll(&mut bench, *id));
        prop_assert!(model.callers.is_empty(), "calls without an end: {:?}", model.callers.keys());
        prop_assert_eq!(model.begun, model.ended + model.given_up);
        prop_assert_eq!(bench.core.stats().calls, model.begun);
    }
}
