//! What a comparison reports of itself, for `cargo xtask bench diff`.

/// What one run reports of itself on its last line.
#[derive(serde::Deserialize, serde::Serialize)]
pub struct Measured {
    /// From the first file read to the report written.
    pub milliseconds: f64,
    /// The most memory the process held, where the system tells.
    pub peak_megabytes: Option<f64>,
}

/// The most memory this process held: Linux says so in a file.
pub fn peak_megabytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024.0)
}
