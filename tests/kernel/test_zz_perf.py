import time, cProfile, pstats, resource
from app import consumers
from app.intake import lanes
from app.database import transaction
from tests.channels import updates
from tests.channels.test_hooks import work_all
from tests.kernel.test_lanes import *
from app.intake.actions import take_in
from app.channels import telegram
@pytest.mark.parametrize("n,chats",[(1000,200),(1000,1000),(1000,50)])
def test_perf(inbox,n,chats):
    with transaction(inbox.account_id):
        for i in range(n):
            raw=updates.text(f"{i}",number=i,message_id=i,chat_id=5000+i%chats); e=telegram.envelope(raw)
            take_in(inbox.account_id,inbox.id,provider_key=e.provider_key,lane=e.lane,raw=raw)
    p=cProfile.Profile()
    t=time.perf_counter(); u=resource.getrusage(resource.RUSAGE_SELF)
    if chats==200: p.enable()
    while w:=lanes.waiting():
        for lane in w:
            lanes.work(lane,consumers.HANDLE,consumers.GIVE_UP)
    p.disable()
    u2=resource.getrusage(resource.RUSAGE_SELF)
    print(n,chats,"wall ms/msg",(time.perf_counter()-t)/n*1000,"cpu ms/msg",(u2.ru_utime+u2.ru_stime-u.ru_utime-u.ru_stime)/n*1000)
    if chats==200: pstats.Stats(p).sort_stats("cumtime").print_stats(45)
