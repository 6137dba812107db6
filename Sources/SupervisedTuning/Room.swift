// SupervisedTuning
