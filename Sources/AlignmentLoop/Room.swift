// AlignmentLoop
