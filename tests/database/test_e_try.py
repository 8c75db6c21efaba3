import sys
sys.path.insert(0,'/work/main')
def test_clear(world, folder, capsys):
    from flows.database.preflight.clearance import clear
    c = clear(folder,"008",world.environment("http://127.0.0.1:9"),None)
    for f in c.findings: print(f.level, f.rule, f.message, '|', f.help)
    c = clear(folder,"007",world.environment("http://127.0.0.1:9"),None)
    for f in c.findings: print(f.level, f.rule, f.message, '|', f.help)
    assert 0
