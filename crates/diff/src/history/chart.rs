//! Where the marks of the chart stand: three panels above each other, a version per column.

use super::History;

/// The drawing, in units of its view box.
pub(super) const WIDTH: f64 = 960.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const PANEL: f64 = 130.0;
const GAP: f64 = 46.0;
const TOP: f64 = 28.0;

/// The whole chart.
pub(super) struct Chart {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) panels: Vec<Panel>,
    pub(super) labels: Vec<Label>,
}

/// One quantity over the versions.
pub(super) struct Panel {
    pub(super) title: &'static str,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    pub(super) most: usize,
    /// The points of a polyline; empty for bars.
    pub(super) line: String,
    pub(super) dots: Vec<Mark>,
    pub(super) bars: Vec<Bar>,
}

/// A point with its number.
pub(super) struct Mark {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) value: usize,
}

/// A bar with its number above.
pub(super) struct Bar {
    pub(super) class: &'static str,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) middle: f64,
    pub(super) value: usize,
}

/// A version below its column.
pub(super) struct Label {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) text: String,
}

impl Chart {
    pub(super) fn of(history: &History) -> Self {
        let rows = &history.rows;
        let methods = rows.iter().map(super::Row::methods).collect::<Vec<_>>();
        let types = rows.iter().map(|row| row.types).collect::<Vec<_>>();
        let breaks =
            rows.iter().map(|row| row.step.as_ref().map(|step| (step.wire.breaking, step.wire.dangerous)));
        let panels = vec![
            Panel::line("methods", 0, &methods),
            Panel::line("types", 1, &types),
            Panel::bars(
                "breaking and dangerous findings on the wire, against the version before",
                2,
                &breaks.collect::<Vec<_>>(),
            ),
        ];
        let y = top(2) + PANEL + 18.0;
        let labels = rows.iter().enumerate().map(|(index, row)| Label {
            x: column(index, rows.len()),
            y,
            text: row.name.clone(),
        });
        Self { width: WIDTH, height: y + 14.0, labels: labels.collect(), panels }
    }
}

impl Panel {
    fn empty(title: &'static str, place: usize, most: usize) -> Self {
        let (top, bottom) = (top(place), top(place) + PANEL);
        let (left, right) = (LEFT, WIDTH - RIGHT);
        Self {
            title,
            left,
            right,
            top,
            bottom,
            most,
            line: String::new(),
            dots: Vec::new(),
            bars: Vec::new(),
        }
    }

    fn line(title: &'static str, place: usize, values: &[usize]) -> Self {
        let mut panel = Self::empty(title, place, values.iter().copied().max().unwrap_or(0));
        panel.dots = values
            .iter()
            .enumerate()
            .map(|(index, &value)| Mark { x: column(index, values.len()), y: panel.y(value), value })
            .collect();
        let points = panel.dots.iter().map(|dot| format!("{:.1},{:.1}", dot.x, dot.y));
        panel.line = points.collect::<Vec<_>>().join(" ");
        panel
    }

    fn bars(title: &'static str, place: usize, values: &[Option<(usize, usize)>]) -> Self {
        let most = values.iter().flatten().map(|(breaking, dangerous)| *breaking.max(dangerous)).max();
        let mut panel = Self::empty(title, place, most.unwrap_or(0));
        let width = (step(values.len()) * 0.3).min(28.0);
        for (index, value) in values.iter().enumerate() {
            let Some((breaking, dangerous)) = *value else { continue };
            let middle = column(index, values.len());
            for (class, value, x) in
                [("bar-breaking", breaking, middle - width), ("bar-dangerous", dangerous, middle)]
            {
                let y = panel.y(value);
                let bar =
                    Bar { class, x, y, width, height: panel.bottom - y, middle: x + width / 2.0, value };
                panel.bars.push(bar);
            }
        }
        panel
    }

    fn y(&self, value: usize) -> f64 {
        let share = if self.most == 0 { 0.0 } else { value as f64 / self.most as f64 };
        self.bottom - share * PANEL
    }
}

fn top(place: usize) -> f64 {
    TOP + place as f64 * (PANEL + GAP)
}

/// The middle of a column: even steps, since what counts is what a version did, not when.
fn column(index: usize, columns: usize) -> f64 {
    LEFT + (index as f64 + 0.5) * step(columns)
}

fn step(columns: usize) -> f64 {
    (WIDTH - LEFT - RIGHT) / columns.max(1) as f64
}
