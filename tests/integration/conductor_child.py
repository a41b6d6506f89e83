"""A conductor process on SQLite with DBOS and the fakes. Used by test_conductor.py, which kills it."""

import asyncio
import signal
import sys
from datetime import timedelta
from pathlib import Path

from jeroboam.conductor.access import AdminAccess
from jeroboam.conductor.conductor import Conductor
from jeroboam.conductor.dbos_engine import DbosEngine
from jeroboam.conductor.dispatcher import Dispatcher
from jeroboam.conductor.health import HealthScan
from jeroboam.conductor.lease_keeper import LeaseKeeper
from jeroboam.conductor.pulse import Pulse
from jeroboam.contracts import SystemClock
from jeroboam.drivers.fake import FakeDriver
from jeroboam.providers.fake import Cloud, FakeProvider, Spread, Weather
from jeroboam.reconcile.reconciler import Reconciler
from jeroboam.store import Sealer, SqlStore

FOLDER = Path(sys.argv[1])


async def main() -> None:
    clock = SystemClock()
    store = SqlStore(f"sqlite:///{FOLDER}/store.sqlite", Sealer(b"k" * 32), clock)
    await store.start()
    weather = Weather({"": Spread(0.2)})
    provider, driver = FakeProvider(Cloud(FOLDER / "cloud.sqlite"), boot_s=2, weather=weather), FakeDriver()
    engine, access = DbosEngine(f"sqlite:///{FOLDER}/engine.sqlite", executor_id="child"), AdminAccess(clock)
    drivers = {driver.name: driver}
    conductor = Conductor(
        store=store,
        engine=engine,
        reconciler=Reconciler(
            store=store,
            providers={"fake": provider},
            default_provider="fake",
            drivers=drivers,
            clock=clock,
            make_access=access,
        ),
        dispatcher=Dispatcher(store, engine, "child"),
        keeper=LeaseKeeper(store, engine, "child", "child", Pulse(timedelta(seconds=5))),
        health=HealthScan(store, provider, drivers, clock, access, every=timedelta(seconds=1)),
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await conductor.start()
    await stop.wait()
    await conductor.stop()
    await store.stop()


asyncio.run(main())
