"""What the fakes of the Rust tests promise, over the real client: the same cases, on this homeserver."""

import json
import os
import re
import subprocess

from support.paths import REPOSITORY

CASES = REPOSITORY / "tests" / "integration" / "contract" / "cases.rs"


def test_the_real_client_keeps_the_contract_of_the_fakes(synapse, tmp_path):
    cases = len(re.findall(r"^pub\(crate\) async fn ", CASES.read_text(), re.MULTILINE))
    pairs = []
    for number in range(cases):
        bot = synapse.register(f"contract-bot-{number}", "password")
        person = synapse.register(f"contract-person-{number}", "password")
        pairs.append(
            {"bot": bot.user_id, "password": bot.password, "person": person.user_id, "token": person.token}
        )
    accounts = tmp_path / "accounts.json"
    accounts.write_text(json.dumps({"homeserver": synapse.url, "pairs": pairs}))
    # One case at a time: the server of some cases must be idle.
    command = ["cargo", "test", "--locked", "--features", "boundaries", "--test", "real_client", "--", "--test-threads=1"]
    run = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=os.environ | {"CONTRACT_ACCOUNTS": str(accounts)},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{cases} passed" in run.stdout, run.stdout
