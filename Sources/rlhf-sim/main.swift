print("rlhf-sim")
