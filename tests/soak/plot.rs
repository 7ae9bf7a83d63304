//! Writes the results of the soak as SVG and as CSV.

use std::fmt::Write;
use std::fs;
use std::io;

use crate::SoakOptions;
use crate::soak::Sample;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 110.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 50.0;
const GAP: f64 = 48.0;

/// No more points than can be told apart: the highest of each group.
const POINTS: usize = 360;

struct Panel {
    title: &'static str,
    values: Vec<f64>,
}

pub(crate) fn write(options: &SoakOptions, samples: &[Sample]) -> io::Result<()> {
    if let Some(file) = &options.csv {
        fs::write(file, csv(samples))?;
    }
    fs::write(&options.plot, svg(options, samples))?;
    println!("plotted in {}", options.plot.display());
    Ok(())
}

fn csv(samples: &[Sample]) -> String {
    let mut text = "second,answered,lost,p99_ms,resident_kib,descriptors,threads\n".to_owned();
    for (second, sample) in samples.iter().enumerate() {
        let Sample { answered, lost, p99, gauge } = sample;
        let p99 = p99.as_secs_f64() * 1000.0;
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{second},{answered},{lost},{p99:.2},{},{},{}",
            gauge.resident_kib, gauge.descriptors, gauge.threads
        );
    }
    text
}

fn svg(options: &SoakOptions, samples: &[Sample]) -> String {
    let values = |of: fn(&Sample) -> f64| samples.iter().map(of).collect();
    let panels = [
        Panel { title: "requests answered a second", values: values(|it| it.answered as f64) },
        Panel { title: "p99 of each second, ms", values: values(|it| it.p99.as_secs_f64() * 1000.0) },
        Panel { title: "requests lost with a killed runner, a second", values: values(|it| it.lost as f64) },
        Panel {
            title: "resident memory of host and load, MiB",
            values: values(|it| it.gauge.resident_kib as f64 / 1024.0),
        },
        Panel { title: "descriptors", values: values(|it| it.gauge.descriptors as f64) },
    ];
    let height = TOP + panels.len() as f64 * (HEIGHT + GAP);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"22\" font-size=\"15\">{1} minutes at {2} requests/s, a random fault every second</text>\n",
        LEFT + WIDTH + 20.0,
        samples.len() / 60,
        options.rate,
    );
    for (place, panel) in panels.iter().enumerate() {
        panel.draw(TOP + place as f64 * (HEIGHT + GAP), &mut text);
    }
    text.push_str("</svg>\n");
    text
}

impl Panel {
    fn draw(&self, top: f64, text: &mut String) {
        let bottom = top + HEIGHT;
        let highest = self.values.iter().copied().fold(1.0, f64::max);
        let group = self.values.len().div_ceil(POINTS).max(1);
        let groups: Vec<_> =
            self.values.chunks(group).map(|group| group.iter().copied().fold(0.0, f64::max)).collect();
        let step = WIDTH / (groups.len().max(2) - 1) as f64;
        let mut line = String::new();
        for (place, value) in groups.iter().enumerate() {
            let (x, y) = (LEFT + place as f64 * step, bottom - value / highest * HEIGHT);
            let _ = write!(line, "{x:.1},{y:.1} ");
        }
        let (title, right, text_left) = (self.title, LEFT + WIDTH, LEFT - 8.0);
        let _ = write!(
            text,
            "<text x=\"{LEFT}\" y=\"{0}\">{title}</text>\n\
             <path d=\"M{LEFT} {top}V{bottom}H{right}\" fill=\"none\" stroke=\"#999\"/>\n\
             <text x=\"{text_left}\" y=\"{1}\" text-anchor=\"end\">{highest:.0}</text>\n\
             <text x=\"{text_left}\" y=\"{bottom}\" text-anchor=\"end\">0</text>\n\
             <polyline points=\"{2}\" fill=\"none\" stroke=\"#06c\"/>\n",
            top - 8.0,
            top + 10.0,
            line.trim_end(),
        );
    }
}
