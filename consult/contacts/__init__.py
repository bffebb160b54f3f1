"""People and organisations as those see them who run processes; doubles become one."""
