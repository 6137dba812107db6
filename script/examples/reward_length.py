#!/usr/bin/env python3
"""A reward in Python: a fifth of a point for every word of the response.

    rlhf-sim ppo --set ppo.reward.source=command \
        --set "ppo.reward.command=python3 script/examples/reward_length.py"

Every line of standard input is a response to judge, as JSON with the keys id, prompt, response,
prompt_ids, response_ids and ended. Answer each by a line with a number, in order, and flush it.
"""
import json
import sys

for line in sys.stdin:
    row = json.loads(line)
    print(len(row["response"].split()) / 5, flush=True)
