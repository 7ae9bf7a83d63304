//! A server that answers like any other, and at one path with a flood of interim responses before its response.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::thread;
use std::time::Duration;

use fal_host::{
    Address, AppSpec, Exit, Host, HostHandle, LaunchError, Launcher, RunnerHandle, RunnerId, StatusReporter,
};
use fal_runtime::Result;

use crate::app::SLOTS;

/// How many interim responses precede the response. A host takes at most 1,000.
const COUNT: usize = 900;

/// A host of this server, which runs in the same process.
pub(crate) async fn host() -> Result<HostHandle> {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = TcpListener::bind(any)?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    let slots = u32::try_from(SLOTS).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
    let app = AppSpec::new("interim").max_multiplexing(slots);
    Ok(Host::with_launcher(app, InThisProcess(address)).listen(any).admin(None).start().await?)
}

/// Serves requests with a body of two bytes until the connection ends.
fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let flood = b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n".repeat(COUNT);
    loop {
        let mut start = String::new();
        if reader.read_line(&mut start)? == 0 {
            return Ok(());
        }
        let mut field = String::from("a field");
        while !field.trim().is_empty() {
            field.clear();
            reader.read_line(&mut field)?;
        }
        reader.read_exact(&mut [0; 2])?;
        if start.contains("/interim") {
            stream.write_all(&flood)?;
        }
        thread::sleep(Duration::from_millis(2));
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")?;
    }
}

/// A runner that is ready at once.
struct InThisProcess(SocketAddr);

impl Launcher for InThisProcess {
    fn launch(
        &mut self,
        _: RunnerId,
        reporter: StatusReporter,
    ) -> std::result::Result<Box<dyn RunnerHandle>, LaunchError> {
        reporter.ready();
        Ok(Box::new(Server { address: self.0, reporter }))
    }
}

struct Server {
    address: SocketAddr,
    reporter: StatusReporter,
}

impl RunnerHandle for Server {
    fn address(&self) -> Address {
        Address::Tcp(self.address)
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    fn terminate(&mut self) {
        self.kill();
    }

    fn kill(&mut self) {
        self.reporter.exited(Exit::Unknown);
    }
}
