// RewardModeling
